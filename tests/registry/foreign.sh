#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
. "$SUPPORT/certs.sh" || exit
goal "foreign layers are left out and said, or fetched by their URLs when that is asked for, without any credentials"
command -v nginx >/dev/null || skip "no nginx"

unset no_proxy NO_PROXY
oci=application/vnd.oci.image
ALLOW="validation: {manifests: {urls: {allow: ['.*']}}}"
start_registry SRC "" "" "$ALLOW"
start_registry STORE
make_ca ours
make_cert ours server DNS:localhost
make_cert ours client DNS:client

# The layer, of several segments, lives with a stranger: STORE, behind TLS, who would tell us if a
# client certificate were shown.
head -c $((5 * 1024 * 1024 + 7)) /dev/urandom >"$T/layer"
push_blob "$STORE" layers "$T/layer"
LAYER=$DIGEST
head -c $((5 * 1024 * 1024 + 7)) /dev/urandom >"$T/lie"
push_blob "$STORE" layers "$T/lie"
LIE=$DIGEST
head -c 100 /dev/urandom >"$T/short"
push_blob "$STORE" layers "$T/short"
SHORT=$DIGEST
start_nginx STRANGER "$STORE" server "ssl_verify_client optional_no_ca; ssl_client_certificate $T/ours.crt;
    location /v2/ { if (\$ssl_client_s_dn) { return 418; } proxy_pass http://$STORE; }
    location /protected/ { auth_basic ferry; auth_basic_user_file $T/htpasswd; proxy_pass http://$STORE/v2/; }
    location /moved/ { return 302 https://\$http_host/v2/layers/blobs/$LAYER; }
    location /round/ { return 302 https://\$http_host/round/; }"
GOOD=https://$STRANGER/v2/layers/blobs/$LAYER
GONE=https://$STRANGER/v2/layers/blobs/sha256:$(printf '0%.0s' $(seq 64))

# The registry itself wants a password and a client certificate.
printf '%s\n' "user:$(openssl passwd -apr1 secret)" >"$T/htpasswd"
start_nginx FIRST "$SRC" server "ssl_verify_client on; ssl_client_certificate $T/ours.crt;
    auth_basic ferry; auth_basic_user_file $T/htpasswd;"

# push_image HOST TAG URL...: app/win:TAG has a layer of its own and the stranger's. Of media types
# that it does not know, docker-registry takes any text for a URL.
TYPE=$oci.layer.nondistributable.v1.tar
printf 'base' >"$T/base"
push_image() {
    local host=$1 tag=$2 base
    shift 2
    push_blob "$host" app/win "$T/base"
    base=$DESC
    jq -cn --arg a "$DIGEST" --arg b "$LAYER" '{architecture: "amd64", os: "linux",
        rootfs: {type: "layers", diff_ids: [$a, $b]}}' >"$T/config"
    push_blob "$host" app/win "$T/config"
    jq -n --arg oci $oci --argjson config "$DESC" --argjson base "$base" --arg type "$TYPE" --arg layer "$LAYER" \
        --argjson size "$(file_size "$T/layer")" '{schemaVersion: 2, mediaType: "\($oci).manifest.v1+json",
        config: ({mediaType: "\($oci).config.v1+json"} + $config),
        layers: [{mediaType: "\($oci).layer.v1.tar"} + $base,
            {mediaType: $type, digest: $layer, size: $size, urls: $ARGS.positional}]}' --args "$@" >"$T/m"
    push_manifest "$host" app/win "$tag" "$T/m"
}
COMMON=(--retries 0 --cacert "$T/ours.crt" --cert "$T/client.crt" --key "$T/client.key" --creds user:secret)
export_it() { ociferry-export --force -o "$T/a.tar" "${COMMON[@]}" "$@"; }
with_credentials() { grep -c 'auth="[^-]' "$T/$1.access" || true; }
holds() { tar -tf "$T/a.tar" | grep -x "blobs/sha256/${1#sha256:}" >/dev/null; }

step "without the option it is left out, and said: image, number, bytes, remedy"
push_image "$SRC" 1 "$GOOD"
: >"$T/STRANGER.access"
run 0 export_it "$FIRST/app/win:1"
says "$FIRST/app/win:1: 1 foreign layer, 5\.0 MiB, left out: .*--foreign-layers"
equal "requests to the stranger" 0 "$(wc -l <"$T/STRANGER.access")"
! holds "$LAYER" || fail "the layer is in the archive"
run 0 ociferry-verify "$T/a.tar"
prints "whole: .* 1 foreign layer left out"
cp "$T/a.tar" "$T/without.tar"
run 0 export_it --json --dry-run "$FIRST/app/win:1"
equal "JSON" "[1,5242887]" "$(jq -c '[.foreignLayersLeftOut, .foreignBytesLeftOut]' "$T/out")"

# [G9]
step "with it, it comes from its URL, in segments; the stranger sees no password and no certificate"
: >"$T/STRANGER.access"
run 0 export_it --foreign-layers "$FIRST/app/win:1"
says_not "left out"
at_least "ranges that the stranger served" 3 "$(grep -c 'status=206' "$T/STRANGER.access")"
equal "requests with credentials there" 0 "$(with_credentials STRANGER)"
at_least "requests with credentials at the registry" 3 "$(with_credentials FIRST)"
holds "$LAYER" || fail "the layer is not in the archive"
run 0 ociferry-verify --deep --json "$T/a.tar"
equal "foreign layers left out" 0 "$(jq .foreignLayersLeftOut "$T/out")"
tar -xOf "$T/a.tar" manifest.json | grep "${LAYER#sha256:}" >/dev/null || fail "docker load would not see it"
cp "$T/a.tar" "$T/with.tar"

step "a URL at the registry's own host gets no credentials either, nor one that asks for them"
push_image "$SRC" own "https://$FIRST/v2/layers/blobs/$LAYER" "https://$STRANGER/protected/layers/blobs/$LAYER" "$GOOD"
: >"$T/FIRST.access"
: >"$T/STRANGER.access"
run 0 export_it --foreign-layers "$FIRST/app/win:own"
same_file "the archive" <(tar -xOf "$T/a.tar" "blobs/sha256/${LAYER#sha256:}") "$T/layer"
at_least "refusals for want of a certificate" 1 "$(grep -c 'GET /v2/layers.*status=400 auth="-"' "$T/FIRST.access")"
at_least "refusals for want of a password" 1 "$(grep -c 'protected.*status=401' "$T/STRANGER.access")"
equal "requests with credentials there" 0 "$(with_credentials STRANGER)"

step "URLs are tried in order; what is no http or https, or holds a user name, is passed over"
TYPE=application/vnd.example.layer
push_image "$SRC" order file:///etc/passwd ftp://localhost/x "https://eve:hunter2@$STRANGER/x" "" /x \
    "$GONE" "https://$STRANGER/round/" "https://$STRANGER/moved/" "https://$STRANGER/never-asked"
: >"$T/STRANGER.access"
run 0 export_it -v -j 1 --foreign-layers "$FIRST/app/win:order"
says_not hunter2
run 0 ociferry-verify "$T/a.tar"
equal "requests to what came after the good one" 0 "$(grep -c never-asked "$T/STRANGER.access" || true)"
equal "order" "gone round moved" "$(sed -n 's/.*sha256:000.*/gone/p; s/.* \/\(round\|moved\).*/\1/p' \
    "$T/STRANGER.access" | uniq | tr '\n' ' ' | sed 's/ $//')"

step "where none helps, the export fails, and each is named"
push_image "$SRC" none file:///etc/passwd "https://eve:hunter2@$STRANGER/x" "$GONE" "https://$STRANGER/v2/layers/blobs/$SHORT"
rm "$T/a.tar"
run 3 export_it --foreign-layers "$FIRST/app/win:none"
says "$FIRST/app/win:none: blob $LAYER: .*the registry: .*404.*neither http nor https.*user name.*${GONE##*/}.*404.*$SHORT: is (100 bytes|less) there"
says_not hunter2
absent "$T/a.tar"
push_image "$SRC" gone "$GONE"
run 1 export_it --foreign-layers "$FIRST/app/win:gone"
says "nowhere to be had.*404"

step "the URL of a liar: of the right size, but other bytes"
push_image "$SRC" lie "https://$STRANGER/v2/layers/blobs/$LIE"
run 3 export_it --foreign-layers "$FIRST/app/win:lie"
says "$FIRST/app/win:lie: .*foreign layer.*$LAYER: wrong bytes"
absent "$T/a.tar"

step "from https to plain http it is not followed, and a silent server is given up"
start_proxy OPEN "$STORE"
start_proxy SILENT "$STORE" --stall 'GET blobs 0'
start_nginx DOWN "$STORE" server "location ~ /blobs/ { return 307 http://$OPEN\$request_uri; }"
push_image "$SRC" down "https://$DOWN/v2/layers/blobs/$LAYER" "http://$SILENT/v2/layers/blobs/$LAYER" "$GOOD"
run 0 export_it --timeout 1 --foreign-layers "$FIRST/app/win:down"
equal "requests over plain http after a redirect" 0 "$(wc -l <"$T/OPEN.log")"
at_least "requests to the silent one" 1 "$(wc -l <"$T/SILENT.log")"

step "a URL that breaks off in the middle is followed by the next, from where it stands"
start_proxy BROKEN "$STORE" --cut 'GET blobs 1000000' --no-range
push_image "$SRC" cut "http://$BROKEN/v2/layers/blobs/$LAYER" "$GOOD"
run 0 export_it --foreign-layers -j 1 "$FIRST/app/win:cut"
run 0 ociferry-verify "$T/a.tar"

step "the registry is asked first, and if it has the layer nobody else is"
push_blob "$SRC" app/win "$T/layer"
: >"$T/STRANGER.access"
run 0 export_it --foreign-layers "$FIRST/app/win:1"
equal "requests to the stranger" 0 "$(wc -l <"$T/STRANGER.access")"
same_file "the archive" "$T/a.tar" "$T/with.tar"

# [G6]
step "import: what is in the archive is brought, from a file and from a pipe"
start_registry DST "" "" "$ALLOW"
run 0 ociferry-import "$T/with.tar" "$DST/file"
run 0 bash -c "cat '$T/with.tar' | ociferry-import - '$DST/pipe'"
says_not "foreign"
for where in file pipe; do
    same_images "$SRC" "$DST/$where" app/win:1
    same_file "layer" <(curl -sSf "http://$DST/v2/$where/app/win/blobs/$LAYER") "$T/layer"
done

# [G6] [R16]
step "what is left out stays with its URLs, and that is said"
for from in "$T/without.tar" -; do
    run 0 ociferry-import --report "$T/report" "$from" "$DST/without" <"$T/without.tar"
    says "1 foreign layer is not in the archive.*URLs"
done
equal "manifest at the destination" "$(digest_of "$SRC" app/win 1)" "$(digest_of "$DST" without/app/win 1)"
equal "the layer there" 404 "$(status_of "http://$DST/v2/without/app/win/blobs/$LAYER")"
equal "result of the layer" "left out" \
    "$(jq -r --arg d "$LAYER" '.blobs[] | select(.digest == $d).result' "$T/report")"
run 0 ociferry-import "$T/with.tar" "$DST/without"
equal "the layer there, from the other archive" 200 "$(status_of "http://$DST/v2/without/app/win/blobs/$LAYER")"

step "a registry that takes no URLs refuses the manifest, and the message says how it would"
start_registry STRICT
run 1 ociferry-import --retries 0 "$T/with.tar" "$STRICT"
says "app/win:1: manifest .*\"urls\".*validation.manifests.urls.allow"
no_image "$STRICT" app/win 1
