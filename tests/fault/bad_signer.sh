#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
. "$SUPPORT/certs.sh" || exit
. "$SUPPORT/at_terminal.sh" || exit
goal "who cannot sign is told before the first request; what breaks off while it is signed goes on"

store_image STORE app/sign 1 2 7 1
start_registry STORE
put_image "$STORE" app/sign 1
start_proxy SRC "$STORE"
make_ca ca
make_cert ca signer DNS:signer
make_cert ca other DNS:other
make_cert ca old DNS:old -1
make_cert ca early DNS:early 9 2
openssl pkey -in "$T/signer.key" -aes256 -passout pass:'open sesame' -out "$T/locked.key"
cd "$T"

# refused WORDS SIGNER_OPTION...
refused() {
    local words=$1
    shift
    : >SRC.log
    # Without a terminal to ask at.
    run 2 setsid -w ociferry-export -q "$@" -o new.tar "$SRC/app/sign:1"
    one_line
    says "$words"
    equal "requests that the source saw" "" "$(cat SRC.log)"
    absent new.tar
    absent new.tar.partial
}

step "certificates and keys that will not do"
refused '--sign-cert old.crt: the certificate of CN=old expired on 2[0-9]{3}-' --sign-cert old.crt --sign-key old.key
refused 'the certificate of CN=early is not valid before 2' --sign-cert early.crt --sign-key early.key
refused '--sign-key other.key: is not the key of the first certificate in signer.crt' \
    --sign-cert signer.crt --sign-key other.key
refused '--sign-key signer.crt: no PEM private key' --sign-cert signer.crt --sign-key signer.crt
refused '--sign-cert and --sign-key go in pairs: found 1 and 0' --sign-cert signer.crt
refused '--sign-cert no-such.crt: No such file' --sign-cert no-such.crt --sign-key signer.key
NEWKEY=(ed25519)
make_cert ca edward DNS:edward
if ! openssl cms -sign -binary -noattr -signer edward.crt -inkey edward.key -in pid -out /dev/null 2>/dev/null; then
    refused 'OpenSSL [0-9.]+, which this machine has, makes no CMS signature with a key of type ED25519' \
        --sign-cert edward.crt --sign-key edward.key
fi

step "passphrases"
echo 'open rice' >wrong
echo 'open sesame' >right
pair=(--sign-cert signer.crt --sign-key locked.key)
refused '--sign-key locked.key: its passphrase is another' "${pair[@]}" --sign-pass-file wrong
refused '--sign-key locked.key: it wants a passphrase, and there is no terminal' "${pair[@]}"
refused '--sign-pass-file right: no key wants it' --sign-cert signer.crt --sign-key signer.key --sign-pass-file right
refused '--sign-pass-file right: there is no --sign-key for it' --sign-pass-file right
run 0 ociferry-export "${pair[@]}" --sign-pass-file right -o locked.tar "$SRC/app/sign:1"
run 0 ociferry-verify --trust ca.crt --require-signature locked.tar

step "a passphrase that is typed is not shown"
sum=$(sha256sum <locked.key)
at_terminal "ociferry-export ${pair[*]} -o typed.tar $SRC/app/sign:1"
shown 'passphrase of locked.key: '
answer 'open sesame'
ended 0
! grep -q sesame seen || fail "it was shown"
run 0 ociferry-verify --trust ca.crt --require-signature typed.tar
equal "the file of the key" "$sum" "$(sha256sum <locked.key)"

# [W9]
step "cut anywhere, it goes on: the signature that is there, by ECDSA, is taken over"
sign=(--sign-cert signer.crt --sign-key signer.key)
run 0 ociferry-export "${sign[@]}" -o whole.tar "$SRC/app/sign:1"
run 0 ociferry-export "${sign[@]}" -o again.tar "$SRC/app/sign:1"
! cmp -s whole.tar again.tar || fail "ECDSA gives the same bytes twice: this scenario shows nothing"
first=$(entry_offset whole.tar "blobs/sha256/${LAYERS[0]#sha256:}")
p7s=$(entry_offset whole.tar index.json.p7s)
size=$(file_size whole.tar)
for at in $first $((first + 1000000)) $((size - 2000000)) $((size - 512)); do
    head -c "$at" whole.tar >parted.tar.partial
    rm -f parted.tar
    run 0 ociferry-export "${sign[@]}" -o parted.tar "$SRC/app/sign:1"
    says "going on with what an earlier export left"
    same_file "the archive from byte $at" whole.tar parted.tar
done
for at in $((p7s - 512)) $((p7s + 10)) $((p7s + 512)); do # within the head it begins afresh
    head -c "$at" whole.tar >parted.tar.partial
    rm -f parted.tar
    run 0 ociferry-export "${sign[@]}" -o parted.tar "$SRC/app/sign:1"
    run 0 ociferry-verify --trust ca.crt --require-signature parted.tar
done

# afresh SIGNER_OPTION...: what is there is of no use.
afresh() {
    rm -f parted.tar
    run 0 ociferry-export "$@" -o parted.tar "$SRC/app/sign:1"
    says "beginning of another archive: starting afresh"
}
step "another signer, one more, or none: it begins afresh"
head -c "$((size - 2000000))" whole.tar >parted.tar.partial
afresh --sign-cert other.crt --sign-key other.key
run 0 ociferry-verify --trust other.crt --require-signature parted.tar
head -c "$((size - 2000000))" whole.tar >parted.tar.partial
afresh "${sign[@]}" --sign-cert other.crt --sign-key other.key
run 0 ociferry-verify --trust other.crt --require-signature parted.tar
head -c "$((size - 2000000))" whole.tar >parted.tar.partial
afresh
head -c "$((size - 2000000))" parted.tar >unsigned.partial
mv unsigned.partial parted.tar.partial
afresh "${sign[@]}"
run 0 ociferry-verify --trust ca.crt --require-signature parted.tar

step "the signature that is there was damaged: it begins afresh"
head -c "$((size - 2000000))" whole.tar >parted.tar.partial
flip parted.tar.partial $((p7s + $(tar -xOf whole.tar index.json.p7s | wc -c) - 5))
afresh "${sign[@]}"
run 0 ociferry-verify --trust ca.crt --require-signature parted.tar

step "killed outright, and gone on"
test_size() { [ "$(file_size "$1")" -ge "$2" ]; }
start_proxy HANG "$STORE" --stall "GET ${LAYERS[2]} 100000 1"
ociferry-export -q "${sign[@]}" -o killed.tar "$HANG/app/sign:1" 2>err &
pid=$!
wait_for "a layer in the partial file" test_size killed.tar.partial $((first + 1000000))
kill -9 $pid
wait $pid 2>/dev/null || true
run 0 ociferry-export "${sign[@]}" -o killed.tar "$HANG/app/sign:1"
says "going on with what an earlier export left"
run 0 ociferry-verify --trust ca.crt --require-signature killed.tar

step "--keep-going: an archive that is begun again without an image is signed anew"
store_image MORE app/more 1 3
start_registry MORE
put_image "$MORE" app/more 1
start_proxy GONE "$MORE" --status "GET /blobs/${LAYERS[0]} 404"
run 6 ociferry-export --retries 1 --keep-going "${sign[@]}" -o going.tar "$SRC/app/sign:1" "$GONE/app/more:1"
says "beginning again without it"
run 0 ociferry-verify --trust ca.crt --require-signature going.tar
prints '1 image,.*signed by CN=signer \(trusted\)'
