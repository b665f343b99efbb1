# What belongs to an image, made by hand: referrers and their tag schema, and signatures as cosign
# makes them. Sourced after lib.sh.
# shellcheck shell=bash

OCI_INDEX=application/vnd.oci.image.index.v1+json
EMPTY='{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2}'

# make_artifact HOST REPO SUBJECT ARTIFACT_TYPE TEXT: a manifest that refers to SUBJECT, put by its
# digest and not listed anywhere. Sets DIGEST and DESC; the manifest is $T/artifact.
make_artifact() {
    local size
    printf '{}' >"$T/empty"
    push_blob "$1" "$2" "$T/empty"
    printf %s "$5" >"$T/payload"
    push_blob "$1" "$2" "$T/payload"
    size=$(raw "$1" "$2" "$3" | wc -c)
    jq -cnj --argjson empty "$EMPTY" --arg type "$4" --argjson layer "$DESC" --arg subject "$3" \
        --argjson size "$size" '{schemaVersion: 2,
        mediaType: "application/vnd.oci.image.manifest.v1+json", artifactType: $type, config: $empty,
        layers: [{mediaType: "text/plain"} + $layer],
        subject: {mediaType: "application/vnd.oci.image.index.v1+json", digest: $subject, size: $size},
        annotations: {"org.example.note": $type}}' >"$T/artifact"
    push_manifest "$1" "$2" digest "$T/artifact"
}

# attach HOST REPO SUBJECT ARTIFACT_TYPE TEXT: the same, listed as the referrers tag schema asks. Sets
# DIGEST.
attach() {
    local tag=${3/:/-} digest
    make_artifact "$@"
    digest=$DIGEST
    raw "$1" "$2" "$tag" >"$T/list" 2>/dev/null ||
        printf '{"schemaVersion":2,"mediaType":"%s","manifests":[]}' "$OCI_INDEX" >"$T/list"
    jq -cj --argjson artifact "$DESC" --arg type "$4" \
        '.manifests += [$artifact + {artifactType: $type}]' "$T/list" >"$T/list.new"
    push_manifest "$1" "$2" "$tag" "$T/list.new"
    DIGEST=$digest
}

# With the key $T/cosign.key, which is made when it is not there: the signature of a file, in base64.
signature_of() {
    [ -f "$T/cosign.key" ] || openssl ecparam -name prime256v1 -genkey -noout -out "$T/cosign.key"
    openssl dgst -sha256 -sign "$T/cosign.key" "$1" | base64 -w 0
}

# verify_signature FILE SIGNATURE: in base64, by that key.
verify_signature() {
    base64 -d <<<"$2" >"$T/signed.sig"
    openssl ec -in "$T/cosign.key" -pubout -out "$T/cosign.pub" 2>/dev/null
    openssl dgst -sha256 -verify "$T/cosign.pub" -signature "$T/signed.sig" "$1" >/dev/null
}

# put_signed HOST REPO TAG LAYER_TYPE SIGNATURE: $T/payload as the layer of what cosign puts. Sets DIGEST.
put_signed() {
    local layer
    push_blob "$1" "$2" "$T/payload"
    layer=$DESC
    printf '{"architecture":"","os":"","rootfs":{"type":"layers","diff_ids":["%s"]},"config":{}}' \
        "$DIGEST" >"$T/config"
    push_blob "$1" "$2" "$T/config"
    jq -cnj --argjson config "$DESC" --argjson layer "$layer" --arg type "$4" --arg signature "$5" \
        '{schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json",
        config: ({mediaType: "application/vnd.oci.image.config.v1+json"} + $config),
        layers: [{mediaType: $type} + $layer +
            {annotations: {"dev.cosignproject.cosign/signature": $signature}}]}' >"$T/signature"
    push_manifest "$1" "$2" "$3" "$T/signature"
}

# sign HOST REPO SUBJECT [SUFFIX]: a signature as cosign makes it, under the tag sha256-HEX.sig or
# another. Sets DIGEST.
sign() {
    printf '{"critical":{"identity":{"docker-reference":"%s/%s"},"image":{"docker-manifest-digest":"%s"},"type":"cosign container image signature"},"optional":null}' \
        "$1" "$2" "$3" >"$T/payload"
    put_signed "$1" "$2" "${3/:/-}.${4:-sig}" application/vnd.dev.cosign.simplesigning.v1+json \
        "$(signature_of "$T/payload")"
}

# pae TYPE FILE: what a DSSE envelope signs.
pae() { printf 'DSSEv1 %d %s %d ' ${#1} "$1" "$(file_size "$2")"; cat "$2"; }

# attest HOST REPO SUBJECT: an attestation as cosign makes it, an in-toto statement in a DSSE envelope
# under the tag sha256-HEX.att. Sets DIGEST.
attest() {
    jq -cnj --arg repo "$1/$2" --arg hex "${3#sha256:}" '{"_type": "https://in-toto.io/Statement/v0.1",
        predicateType: "https://cosign.sigstore.dev/attestation/v1",
        subject: [{name: $repo, digest: {sha256: $hex}}], predicate: {Data: "built by us"}}' >"$T/statement"
    pae application/vnd.in-toto+json "$T/statement" >"$T/pae"
    jq -cnj --arg payload "$(base64 -w 0 "$T/statement")" --arg sig "$(signature_of "$T/pae")" \
        '{payloadType: "application/vnd.in-toto+json", payload: $payload,
        signatures: [{keyid: "", sig: $sig}]}' >"$T/payload"
    put_signed "$1" "$2" "${3/:/-}.att" application/vnd.dsse.envelope.v1+json ""
}

# signed HOST REPO SUBJECT: the signature at HOST is right, as `cosign verify --key` checks it.
signed() {
    local manifest=$T/signed layer
    raw "$1" "$2" "${3/:/-}.sig" >"$manifest" || fail "$2 at $1: no signature of $3"
    layer=$(jq -r '.layers[0].digest' "$manifest")
    curl -sSf "http://$1/v2/$2/blobs/$layer" >"$T/signed.payload"
    equal "digest in the signed payload" "$3" \
        "$(jq -r '.critical.image["docker-manifest-digest"]' "$T/signed.payload")"
    verify_signature "$T/signed.payload" "$(jq -r \
        '.layers[0].annotations["dev.cosignproject.cosign/signature"]' "$manifest")" ||
        fail "$2 at $1: the signature of $3 is wrong"
}

# attested HOST REPO SUBJECT: the attestation at HOST is right, as `cosign verify-attestation --key`
# checks it.
attested() {
    local envelope=$T/attested layer
    raw "$1" "$2" "${3/:/-}.att" >"$T/attested.manifest" || fail "$2 at $1: no attestation of $3"
    layer=$(jq -r '.layers[0].digest' "$T/attested.manifest")
    curl -sSf "http://$1/v2/$2/blobs/$layer" >"$envelope"
    jq -r .payload "$envelope" | base64 -d >"$T/attested.statement"
    equal "digest in the statement" "${3#sha256:}" "$(jq -r '.subject[0].digest.sha256' "$T/attested.statement")"
    pae "$(jq -r .payloadType "$envelope")" "$T/attested.statement" >"$T/pae"
    verify_signature "$T/pae" "$(jq -r '.signatures[0].sig' "$envelope")" ||
        fail "$2 at $1: the attestation of $3 is wrong"
}

# referrers HOST REPO SUBJECT: the digests that the tag schema lists, sorted.
referrers() { raw "$1" "$2" "${3/:/-}" | jq -r '.manifests[].digest' | sort; }
