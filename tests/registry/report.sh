#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
goal "the report says what became of every image and blob, also of an import that did not come to its end"

start_source SRC
start_registry DST
run 0 ociferry-export -o "$T/a.tar" "$SRC/app/base:1" "$SRC/app/web:1" "$SRC/app/docker:1"

# of FILE FILTER: what jq makes of the report, on one line.
of() { jq -r "$2" "$1" | tr '\n' ' ' | sed 's/ $//'; }
results='[.images[] | "\(.source | split("/")[-1])=\(.result)"] | sort | join(" ")'

step "an import that is done: where each image is, by digest"
run 0 ociferry-import --report "$T/r.json" "$T/a.tar" "$DST/m"
equal results "base:1=pushed docker:1=pushed web:1=pushed" "$(of "$T/r.json" "$results")"
equal error null "$(of "$T/r.json" .error)"
while read -r destination digest; do
    path=${destination#*/}
    equal "digest of $destination" "$digest" "$(digest_of "$DST" "${path%:*}" "${path##*:}")"
done < <(jq -r '.images[] | "\(.destination) \(.digest)"' "$T/r.json")
while read -r repository digest; do
    equal "status of $digest in $repository" 200 "$(status_of "http://$DST/v2/$repository/blobs/$digest")"
done < <(jq -r '.blobs[] | "\(.repository) \(.digest)"' "$T/r.json")
equal "blobs by their results and in the totals" \
    "$(of "$T/r.json" '[.blobs[] | select(.result == "uploaded") | .size] | "\(length) \(add)"')" \
    "$(of "$T/r.json" '.totals.uploaded | "\(.count) \(.bytes)"')"
absent "$T/r.json.partial"

step "what the registry refused, and why"
start_proxy STUBBORN "$DST" --status 'PUT /docker/manifests/ 403' --status 'POST /web/blobs/uploads/ 403'
run 6 ociferry-import --report "$T/r.json" "$T/a.tar" "$STUBBORN/r"
equal results "base:1=pushed docker:1=failed web:1=failed" "$(of "$T/r.json" "$results")"
equal "images with a reason" 2 "$(of "$T/r.json" '[.images[] | select(.error | . and test("403"))] | length')"
equal "blobs that failed without a reason" 0 \
    "$(of "$T/r.json" '[.blobs[] | select(.result == "failed" and (.error | not))] | length')"
at_least "blobs that failed" 1 "$(of "$T/r.json" '[.blobs[] | select(.result == "failed")] | length')"

step "the network goes down half-way: what is known by then"
start_proxy DYING "$DST" --cut-upload 'PUT /manifests/ 0'
run 5 ociferry-import -j 1 --retries 0 --report "$T/r.json" "$T/a.tar" "$DYING/half"
equal results "base:1=unfinished docker:1=unfinished web:1=unfinished" "$(of "$T/r.json" "$results")"
equal "the error on stderr and in the report" "$(sed -n '$s/^ociferry-import: error: //p' "$T/err")" "$(of "$T/r.json" .error)"
equal "blobs that are there by then" 0 "$(of "$T/r.json" '.totals.absent.count')"

step "nobody is there"
run 5 ociferry-import --retries 0 --report "$T/r.json" --json "$T/a.tar" "127.0.0.1:$(dead_port)"
equal results "base:1=unfinished docker:1=unfinished web:1=unfinished" "$(of "$T/r.json" "$results")"
equal "blobs of which something is known" unknown "$(of "$T/r.json" '[.blobs[].result] | unique[]')"
same_file "--json and --report" "$T/out" "$T/r.json"

step "what was refused before the first request"
run 2 ociferry-import --report "$T/r.json" --map "$SRC/app/web=x" --map "$SRC/app/base=x" "$T/a.tar" "$DST"
of "$T/r.json" .error | grep 'would both become' >/dev/null || fail "the report does not say why"
equal images 0 "$(of "$T/r.json" '.images | length')"

step "a report that cannot be written fails before the import"
run 1 ociferry-import -q --report "$T/no-such-folder/r.json" "$T/a.tar" "$DST/late"
one_line
says 'no-such-folder/r.json: cannot write'
no_image "$DST" late/app/web 1
run 2 ociferry-import -q --report - "$T/a.tar" "$DST/late"
says '--json'

step "a dry run"
run 0 ociferry-import --dry-run --report "$T/r.json" "$T/a.tar" "$DST/dry"
equal results "base:1=planned docker:1=planned web:1=planned" "$(of "$T/r.json" "$results")"

step "a name that is no UTF-8, which JSON has to be"
latin=$T/caf$'\xe9'.tar
cp "$T/a.tar" "$latin"
run 0 ociferry-import --report "$T/r.json" "$latin" "$DST/latin"
equal archive "$T/caf?.tar" "$(of "$T/r.json" .archive)"
equal archives "$T/caf?.tar" "$(of "$T/r.json" '.archives[].archive')"
equal results "base:1=pushed docker:1=pushed web:1=pushed" "$(of "$T/r.json" "$results")"

step "what is read is no place for a result, and no place takes two"
run 2 ociferry-import --report "$T/a.tar" "$T/a.tar" "$DST"
says 'that is a file of the archive'
run 2 ociferry-import --write-config "idms=$T/a.tar" "$T/a.tar" "$DST"
says 'that is a file of the archive'
run 0 ociferry-export --volume-size 1M -o "$T/v.tar" "$SRC/app/big:1"
mkdir "$T/unpacked"
tar -xf "$T/a.tar" -C "$T/unpacked"
ln -s "$T/v.tar.003" "$T/third"
for place in "v.tar.001 v.tar.002" "v.tar.001 third" "v.tar v.tar.sha256" "unpacked unpacked/index.json"; do
    before=$(sha256sum <"$T/${place#* }")
    run 2 ociferry-import --report "$T/${place#* }" "$T/${place% *}" "$DST/kept"
    says 'that is a file of the archive'
    run 2 ociferry-verify --html "$T/${place#* }" "$T/${place% *}"
    says 'that is a file of the archive'
    equal "digest of ${place#* }" "$before" "$(sha256sum <"$T/${place#* }")"
done
run 0 ociferry-verify --html "$T/v.tar.html" "$T/v.tar"
echo "$SRC/app/base:1" >"$T/list"
run 2 ociferry-export --force -o "$T/list" -f "$T/list"
says 'that is a file which is read here'
run 2 ociferry-import --report "$T/list" -f "$T/list" "$T/a.tar" "$DST/list"
says 'that is the list of -f'
run 2 ociferry-import --write-config "idms=$T/list" --trust "$T/list" "$T/a.tar" "$DST/list"
says 'that is a file of --trust'
equal "the list" "$SRC/app/base:1" "$(cat "$T/list")"
run 2 ociferry-import --report "$T/both" --write-config "idms=$T/both" "$T/a.tar" "$DST/list"
says 'named twice'
no_image "$DST" list/app/base 1
run 0 ociferry-verify -q "$T/a.tar"
