#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
goal "credentials are found where people keep them, and go nowhere else"

need_images
start_registry SRC "$IMAGES/registry" auth
start_registry STORE "$T/store" auth
start_proxy DST "$STORE"
token=$(printf 'user:secret' | base64)
config() { printf '{"auths":{"%s":{"auth":"%s"}}}' "$1" "$token"; }
export_it() { ociferry-export -q --force -o "$T/a.tar" "$@" "$SRC/app/web:1"; }

step "none, and wrong ones: exit 4, and the line says what to do"
run 4 export_it
one_line
says "app/web"
says "log ?in|--creds|--authfile|credential"
absent "$T/a.tar"
run 4 export_it --creds user:wrong-password
one_line
says_not "wrong-password"
config "$SRC" | sed "s/$token/$(printf 'user:other' | base64)/" >"$T/wrong.json"
run 4 export_it --authfile "$T/wrong.json"
one_line

step "--creds"
run 0 export_it --creds user:secret
says_not secret

step "--authfile, and the keys that it may have"
for key in "$SRC" "http://$SRC" "http://$SRC/v2/" "$SRC/app" "$SRC/app/web"; do
    config "$key" >"$T/auth.json"
    run 0 export_it --authfile "$T/auth.json"
done
config "127.0.0.1:1" >"$T/other.json"
run 4 export_it --authfile "$T/other.json"

step "REGISTRY_AUTH_FILE, docker's config.json, containers' auth.json"
config "$SRC" >"$T/auth.json"
run 0 env REGISTRY_AUTH_FILE="$T/auth.json" ociferry-export --force -o "$T/a.tar" "$SRC/app/web:1"
mkdir -p "$HOME/.docker" "$T/run/containers"
cp "$T/auth.json" "$T/run/containers/auth.json"
run 0 env XDG_RUNTIME_DIR="$T/run" ociferry-export --force -o "$T/a.tar" "$SRC/app/web:1"
cp "$T/auth.json" "$HOME/.docker/config.json"
run 0 export_it
rm "$HOME/.docker/config.json"
mkdir "$T/docker"
cp "$T/auth.json" "$T/docker/config.json"
run 0 env DOCKER_CONFIG="$T/docker" ociferry-export --force -o "$T/a.tar" "$SRC/app/web:1"

# root's shell has no XDG_RUNTIME_DIR, more often than not. /run is a new one, seen in there alone.
if unshare -rm true 2>/dev/null; then
    step "where skopeo logs in without a session"
    run 0 unshare -rm bash -c "mount -t tmpfs none /run &&
        skopeo login --tls-verify=false -u user -p secret $SRC &&
        ociferry-export --force -o '$T/a.tar' $SRC/app/web:1"
fi

step "a credential helper"
mkdir "$T/bin"
cat >"$T/bin/docker-credential-ferry" <<'SH'
#!/bin/sh
[ "$1" = get ] || exit 1
read -r server
printf '{"ServerURL":"%s","Username":"user","Secret":"secret"}' "$server"
SH
chmod +x "$T/bin/docker-credential-ferry"
printf '{"credHelpers":{"%s":"ferry"}}' "$SRC" >"$T/helper.json"
run 0 env PATH="$T/bin:$PATH" ociferry-export --force -o "$T/a.tar" --authfile "$T/helper.json" "$SRC/app/web:1"

step "import: refused without, done with"
run 4 ociferry-import -q "$T/a.tar" "$DST"
one_line
run 0 ociferry-import --creds user:secret "$T/a.tar" "$DST"
CURL_AUTH=user:secret
equal "status of the tag" 200 "$(status_of "http://$STORE/v2/app/web/manifests/1")"
equal "requests with credentials that were refused" 0 "$(log_count DST 'auth=yes .*status=401')"

step "a registry that was open, and asks for a password half-way"
start_registry OPEN "$IMAGES/registry" # the same blobs, for anybody
start_proxy ASKS "$OPEN" --status "GET /blobs/ 401"
run 4 ociferry-export -q -o "$T/b.tar" "$ASKS/app/web:1"
one_line
absent "$T/b.tar"
start_proxy ASKS "$OPEN" --status "GET /blobs/ 401 1"
run 0 ociferry-export -q --creds user:secret --force -j 1 -o "$T/b.tar" "$ASKS/app/web:1"
equal "manifests that were asked for with a password" 0 "$(log_count ASKS '/manifests/.* auth=yes')"
equal "blobs that were given without one" 0 "$(log_count ASKS '/blobs/.* auth=no .*status=20')"
run 0 ociferry-verify "$T/b.tar"
start_registry FREE "$T/free"
start_proxy ASKS "$FREE" --status "PUT /blobs/uploads/ 401 1"
run 4 ociferry-import -q "$T/b.tar" "$ASKS"
CURL_AUTH= no_image "$FREE" app/web 1
start_proxy ASKS "$FREE" --status "PUT /blobs/uploads/ 401 1"
run 0 ociferry-import -q --creds user:secret -j 1 "$T/b.tar" "$ASKS"
CURL_AUTH= same_images "$OPEN" "$FREE" app/web:1

step "a redirect to another host carries no credentials"
start_proxy OTHER "$OPEN"
start_proxy FIRST "$SRC" --redirect "GET /blobs/ ${OTHER##*:}"
run 0 ociferry-export --creds user:secret --force -o "$T/a.tar" "$FIRST/app/web:1"
at_least "requests that were redirected" 6 "$(log_count OTHER '^GET .*/blobs/.*status=20')"
equal "credentials that went to the other host" 0 "$(log_count OTHER auth=yes)"
run 0 ociferry-verify "$T/a.tar"

step "the addresses that a registry sends on to expire: it is asked for others"
start_proxy OTHER "$OPEN" --status "GET /blobs/ 403 2" --cut "GET /blobs/ 1000 2"
start_proxy FIRST "$SRC" --redirect "GET /blobs/ ${OTHER##*:}"
run 0 ociferry-export --creds user:secret --force -o "$T/a.tar" "$FIRST/app/web:1"
says "403.*trying again"
equal "addresses that were refused" 2 "$(log_count OTHER status=403)"
equal "credentials that went to the other host" 0 "$(log_count OTHER auth=yes)"
run 0 ociferry-verify "$T/a.tar"
