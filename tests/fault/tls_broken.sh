#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
. "$SUPPORT/certs.sh" || exit
goal "a TLS connection that is cut off or garbled in the middle of a layer costs a new one, and no byte is lost; a proxy that is started again is waited for"
command -v nginx >/dev/null || skip "no nginx"

unset no_proxy NO_PROXY
start_source PLAIN
make_ca ours
make_cert ours server DNS:registry.test
start_nginx SRC "$PLAIN" server
run 0 ociferry-export -o "$T/good.tar" "$PLAIN/app/big:1"
through() { HTTPS_PROXY="http://$P" "$@" --cacert "$T/ours.crt"; }

for how in cut garble; do
    step "export: $how, three times"
    start_connect P "$SRC" --$how 3000000 --times 3
    run 0 through ociferry-export --force -j 2 -o "$T/a.tar" registry.test/app/big:1
    run 0 ociferry-verify "$T/a.tar"
    equal "size of the archive" "$(file_size "$T/good.tar")" "$(file_size "$T/a.tar")"
    equal "tunnels that came to harm" 3 "$(log_count P '^harm ')"

    step "export: $how, always: exit 5, and nothing is published"
    start_connect P "$SRC" --$how 20000
    run 5 through ociferry-export --retries 1 -o "$T/b.tar" registry.test/app/big:1
    says "app/big.*registry.test.*broke off"
    absent "$T/b.tar"

    for from in file pipe; do
        step "import from a $from: $how, once"
        start_registry STORE "$T/store.$how.$from"
        start_nginx DST "$STORE" server
        start_connect P "$DST" --$how 9000000 --times 1
        if [ $from = file ]; then
            run 0 through ociferry-import "$T/good.tar" registry.test
        else
            run 0 through ociferry-import - registry.test <"$T/good.tar"
        fi
        says "(broke off|closed without a reply).*trying again"
        equal "tunnels that came to harm" 1 "$(log_count P '^harm ')"
        same_images "$PLAIN" "$STORE" app/big:1
    done
done

# restarting NAME REGEX COMMAND...: it succeeds though the nginx NAME, which was started last, is away for two
# seconds, as soon as such a line is in its log.
restarting() {
    local name=$1 seen=$2 pid
    shift 2
    RAN="$*, while $name is started again"
    : >"$T/$name.access"
    "$@" >"$T/out" 2>"$T/err" &
    pid=$!
    wait_for "a request" grep -q "$seen" "$T/$name.access"
    stop_last
    sleep 2
    timeout 600 nginx -p "$T/$name.nginx" -c "$T/$name.nginx/nginx.conf" -e "$T/$name.nginx/error.log" &
    SERVERS+=($!)
    wait $pid || fail "it did not succeed"
    says "cannot connect.*trying again in .* \(3 of 5\)"
}

step "the proxy before the registry is away for two seconds: export"
start_nginx SRC "$PLAIN" server
restarting SRC "GET .* status=206" ociferry-export --insecure --limit-rate 8M --force -o "$T/a.tar" "$SRC/app/big:1"
run 0 ociferry-verify "$T/a.tar"

step "and import"
start_registry STORE "$T/store.restart"
start_nginx DST "$STORE" server
restarting DST "POST .* status=202" ociferry-import --insecure --limit-rate 8M "$T/good.tar" "$DST"
same_images "$PLAIN" "$STORE" app/big:1
