# What belongs to an image, made by hand: referrers and their tag schema, and signatures as cosign
# makes them. Sourced after lib.sh.
# shellcheck shell=bash

OCI_MANIFEST=application/vnd.oci.image.manifest.v1+json
OCI_INDEX=application/vnd.oci.image.index.v1+json
EMPTY='{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2}'

# push_blob HOST REPO FILE: sets DIGEST.
push_blob() {
    local location
    DIGEST=sha256:$(sha256sum "$3" | cut -d' ' -f1)
    location=$(curl -sSf -o /dev/null -D - -X POST "http://$1/v2/$2/blobs/uploads/" |
        tr -d '\r' | sed -n 's/^[Ll]ocation: //p')
    curl -sSf -o /dev/null -X PUT -H 'Content-Type: application/octet-stream' --data-binary "@$3" \
        "$location&digest=$DIGEST"
}

# put_manifest HOST REPO REF|digest TYPE FILE: sets DIGEST.
put_manifest() {
    local name=$3
    DIGEST=sha256:$(sha256sum "$5" | cut -d' ' -f1)
    [ "$name" != digest ] || name=$DIGEST
    curl -sSf -o /dev/null -X PUT -H "Content-Type: $4" --data-binary "@$5" \
        "http://$1/v2/$2/manifests/$name"
}

# make_artifact HOST REPO SUBJECT ARTIFACT_TYPE TEXT: a manifest that refers to SUBJECT, put by its
# digest and not listed anywhere. Sets DIGEST; the manifest is $T/artifact.
make_artifact() {
    local size
    printf '{}' >"$T/empty"
    push_blob "$1" "$2" "$T/empty"
    printf %s "$5" >"$T/payload"
    push_blob "$1" "$2" "$T/payload"
    size=$(raw "$1" "$2" "$3" | wc -c)
    jq -cnj --argjson empty "$EMPTY" --arg type "$4" --arg layer "$DIGEST" --arg subject "$3" \
        --argjson size "$size" --argjson len "${#5}" '{schemaVersion: 2,
        mediaType: "application/vnd.oci.image.manifest.v1+json", artifactType: $type, config: $empty,
        layers: [{mediaType: "text/plain", digest: $layer, size: $len}],
        subject: {mediaType: "application/vnd.oci.image.index.v1+json", digest: $subject, size: $size},
        annotations: {"org.example.note": $type}}' >"$T/artifact"
    put_manifest "$1" "$2" digest "$OCI_MANIFEST" "$T/artifact"
}

# attach HOST REPO SUBJECT ARTIFACT_TYPE TEXT: the same, listed as the referrers tag schema asks. Sets
# DIGEST.
attach() {
    local tag=${3/:/-} digest size
    make_artifact "$@"
    digest=$DIGEST
    size=$(file_size "$T/artifact")
    raw "$1" "$2" "$tag" >"$T/list" 2>/dev/null ||
        printf '{"schemaVersion":2,"mediaType":"%s","manifests":[]}' "$OCI_INDEX" >"$T/list"
    jq -cj --arg digest "$digest" --argjson size "$size" --arg type "$4" '.manifests += [{
        mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $digest, size: $size,
        artifactType: $type}]' "$T/list" >"$T/list.new"
    put_manifest "$1" "$2" "$tag" "$OCI_INDEX" "$T/list.new"
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
    local layer config
    push_blob "$1" "$2" "$T/payload"
    layer=$DIGEST
    config=$(printf '{"architecture":"","os":"","rootfs":{"type":"layers","diff_ids":["%s"]},"config":{}}' "$layer")
    printf %s "$config" >"$T/config"
    push_blob "$1" "$2" "$T/config"
    jq -cnj --arg config "$DIGEST" --argjson config_len "${#config}" --arg layer "$layer" \
        --argjson len "$(file_size "$T/payload")" --arg type "$4" --arg signature "$5" '{schemaVersion: 2,
        mediaType: "application/vnd.oci.image.manifest.v1+json",
        config: {mediaType: "application/vnd.oci.image.config.v1+json", digest: $config,
            size: $config_len},
        layers: [{mediaType: $type, digest: $layer, size: $len,
            annotations: {"dev.cosignproject.cosign/signature": $signature}}]}' >"$T/signature"
    put_manifest "$1" "$2" "$3" "$OCI_MANIFEST" "$T/signature"
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
