#!/bin/bash
# Every rule of SPEC.md is cited by a test, and what a test cites is a rule. A citation is the id in
# brackets, as SPEC.md writes it where it states the rule.
set -euo pipefail
export LC_ALL=C.UTF-8
cd "$(dirname "$0")/../.."
failed=0

complain() {
    echo "FAILED: $*"
    failed=1
}

mapfile -t ids < <(sed -nE 's/^- \[([A-Z][0-9]+)\] .*/\1/p' SPEC.md)
[ ${#ids[@]} -ge 50 ] || complain "SPEC.md: found only ${#ids[@]} rules"
twice=$(printf '%s\n' "${ids[@]}" | sort | uniq -d | paste -sd' ')
[ -z "$twice" ] || complain "SPEC.md: stated twice: $twice"

cited=$(grep -rhoE --include='*.c' --include='*.sh' --exclude="${0##*/}" '\[[A-Z][0-9]+\]' tests |
    tr -d '[]' | sort -u)
for id in "${ids[@]}"; do
    grep -qx "$id" <<<"$cited" || complain "[$id] is cited by no test"
done
rules=$(printf '%s\n' "${ids[@]}")
for id in $cited; do
    grep -qx "$id" <<<"$rules" || complain "[$id] is cited by a test and is no rule"
done

# A rule that says neither MUST nor MUST NOT is none.
while read -r id; do
    complain "[$id] has no MUST"
done < <(awk '/^- \[[A-Z][0-9]+\]/ { if (id && !must) print id
             id = substr($2, 2, length($2) - 2); must = 0; on = 1 }
             /^$/ { on = 0 } on && /MUST/ { must = 1 }
             END { if (id && !must) print id }' SPEC.md)

# And a MUST outside of the rules has no id.
while read -r line; do
    complain "SPEC.md:$line: a MUST that is no rule"
done < <(awk '/^- \[[A-Z][0-9]+\] / { on = 1 } /^$/ { on = 0 }
             /MUST/ && !/^MUST, MUST NOT, / && !on { print FNR }' SPEC.md)

[ $failed -eq 0 ] && echo "${#ids[@]} rules, all cited"
exit $failed
