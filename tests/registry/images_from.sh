#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
goal "--images-from takes the images that Kubernetes objects name, and says what it does not take"

start_source SRC

# As `helm template` prints a chart; what stands in values, data and schemas is no image.
cat >"$T/chart.yaml" <<YAML
---
# Source: shop/templates/configmap.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: shop}
data:
  image: $SRC/app/nowhere:1
---
# Source: shop/crds/shop.yaml
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
spec: {properties: {image: not/there}}
---
# Source: shop/templates/deployment.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
  labels: {image: shop}
spec:
  template:
    spec:
      initContainers:
        - name: prepare
          image: "$SRC/app/base:1"
      containers:
        - &web
          name: web
          image: $SRC/app/web:1
        - <<: *web
          name: again
      volumes:
        - name: model
          image:
            reference: $SRC/art/sbom:1
---
# Source: shop/templates/prometheus.yaml
apiVersion: monitoring.coreos.com/v1
kind: Prometheus
spec:
  image: $SRC/app/multi:1@$(digest_of "$SRC" app/multi 1)
---
# Source: shop/templates/task.yaml
apiVersion: tekton.dev/v1
kind: Task
spec:
  steps:
    - image: \$(params.image)
    - image: $SRC/app/zstd:1
YAML
expected="$SRC/app/base:1
$SRC/app/web:1
$SRC/art/sbom:1
$SRC/app/multi:1@$(digest_of "$SRC" app/multi 1)
$SRC/app/zstd:1"

step "a rendered chart from a pipe: each image once, in order of appearance"
ociferry-export -q --images-from - -o "$T/chart.tar" <"$T/chart.yaml" 2>"$T/err" ||
    fail "the export failed: $(cat "$T/err")"
equal "lines on stderr" 1 "$(wc -l <"$T/err")"
line=$(grep -n 'params.image' "$T/chart.yaml" | cut -d: -f1)
says "stdin: line $line: image \"\\$\\(params.image\\)\" is passed over: it is no reference"
run 0 ociferry-verify --json "$T/chart.tar"
equal "images" "$(sed 's/@.*//' <<<"$expected")" "$(jq -r '.images[].name' "$T/out")"
equal "whole" true "$(jq .whole "$T/out")"

step "--dry-run lists them"
run 0 ociferry-export --dry-run --images-from "$T/chart.yaml"
equal "images" "$expected" "$(sed -n 's/^sha256:[0-9a-f]*  //p' "$T/out")"

step "JSON, as kubectl prints it, beside operands, -f and a second file"
cat >"$T/list.json" <<JSON
{
	"apiVersion": "v1",
	"items": [
		{"apiVersion": "v1", "kind": "Pod", "metadata": {"annotations": {"note": "\ud83d\ude00"}},
		 "spec": {"containers": [{"name": "a", "image": "$SRC\/app\/web:latest"}]},
		 "status": {"containerStatuses": [{"image": "$SRC/app/nowhere:1"}]}}
	],
	"kind": "List"
}
JSON
cat >"$T/operator.yaml" <<YAML
apiVersion: operators.coreos.com/v1alpha1
kind: ClusterServiceVersion
spec:
  relatedImages:
    - {name: base, image: $SRC/app/base:1}
  deployments: [{containers: [{env: [{name: RELATED_IMAGE_PLAIN, value: "$SRC/app/plain:1"}]}]}]
YAML
echo "$SRC/app/docker:1" >"$T/list"
run 0 ociferry-export --dry-run "$SRC/app/hollow:1" --images-from "$T/list.json" -f "$T/list" \
    --images-from "$T/operator.yaml"
equal "images" "$(at "$SRC" app/hollow:1 app/docker:1 app/web:latest app/base:1 app/plain:1)" \
    "$(sed -n 's/^sha256:[0-9a-f]*  //p' "$T/out")"

# bad STATUS WORDS OPTION...: one line that says it, and no archive.
bad() {
    local status=$1 words=$2
    shift 2
    run "$status" ociferry-export -q --retries 1 -o "$T/new.tar" "$@"
    one_line
    says "$words"
    absent "$T/new.tar"
    absent "$T/new.tar.partial"
}

step "bad input is named with its line"
pod=$'apiVersion: v1\nkind: Pod\nspec:\n  containers:\n'
printf '%s  - image: {{ .Values.image }}\n' "$pod" >"$T/bad.yaml"
bad 2 "$T/bad.yaml: line 5: .*template that was not rendered" --images-from "$T/bad.yaml"
printf '%s  - image: Not/A/Name\n' "$pod" >"$T/bad.yaml"
bad 2 "$T/bad.yaml: line 5: \"Not/A/Name\" is not a reference" --images-from "$T/bad.yaml"
printf '%s  - image: [\n' "$pod" >"$T/bad.yaml"
bad 2 "$T/bad.yaml: line 6: not YAML" --images-from "$T/bad.yaml"
printf '%s  - name: none\n' "$pod" >"$T/bad.yaml"
bad 2 "$T/bad.yaml: names no image" --images-from "$T/bad.yaml"
printf 'image: debian\n' >"$T/bad.yaml"
bad 2 "$T/bad.yaml: holds no Kubernetes object" --images-from "$T/bad.yaml"
bad 2 'no-such-file: No such file' --images-from "$T/no-such-file"
head -c 33554433 /dev/zero | tr '\0' '\n' >"$T/bad.yaml"
bad 2 "$T/bad.yaml: .*limit of 33554432 bytes" --images-from "$T/bad.yaml"
{ printf '%s' "$pod"; printf '    '; printf '[%.0s' {1..1000}; } >"$T/bad.yaml"
bad 2 "$T/bad.yaml: line 5: more than 100 levels" --images-from "$T/bad.yaml"
printf '%s  - image: %s\n' "$pod" "$SRC/app/nowhere:1" >"$T/bad.yaml"
bad 1 'app/nowhere:1' --images-from "$T/bad.yaml"

step "stdin can be read once"
bad 2 'stdin.*once' -f - --images-from -
bad 2 'stdin.*once' --images-from - --images-from -
bad 2 'stdin.*once' -f - -f -
