#!/usr/bin/env bash
# Fetch what the check needs, on a machine with a network, for one without:
#
#     scripts/gpu_check/fetch_wheels.sh DIR [--python 3.12] [--lean] [--limit BYTES] [--routes "base cuda engines rtx"]
#
# DIR gets load-1, load-2 ...: folders of at most 55 MB, larger wheels cut into NAME.whl.000, NAME.whl.001 ... with their
# SHA-256; `--wheels DIR` joins them. Linux on x86-64. --lean leaves out what most machines for such work have already
# (numpy, OpenCV, Pillow, scikit-image and small ones), for an image that is known to have them.
set -euo pipefail

python=3.12 limit=55000000 lean=false routes="base cuda engines rtx"
into=${1:?"DIR is missing: fetch_wheels.sh DIR [--python 3.12] [--lean]"}
shift
while (($#)); do
    case $1 in
        --python) python=$2; shift 2 ;;
        --limit) limit=$2; shift 2 ;;
        --routes) routes=$2; shift 2 ;;
        --lean) lean=true; shift ;;
        *) echo "$1 is no option of fetch_wheels.sh" >&2; exit 2 ;;
    esac
done

here=$(cd "$(dirname "$0")" && pwd)
ort=1.31.1 rtx=0.5.0 tensorrt_rtx=1.7.1.116

# All that `mien run` imports with a synthetic camera and no sink, in the versions of uv.lock.
small="ai-edge-litert av platformdirs pydantic pydantic-core pydantic-settings python-dotenv tomli-w annotated-types \
    typing-inspection typing-extensions filelock psutil typer rich shellingham annotated-doc markdown-it-py mdurl pygments \
    flatbuffers protobuf packaging click"
large="numpy opencv-python-headless pillow scikit-image"
missing_in_lean="ai-edge-litert av platformdirs pydantic pydantic-core pydantic-settings python-dotenv tomli-w annotated-types \
    typing-inspection typing-extensions"

declare -A wheels=(
    [cuda]="onnxruntime-gpu==$ort"
    [rtx]="onnxruntime==$ort onnxruntime-ep-nv-tensorrt-rtx==$rtx onnxruntime-ep-nv-tensorrt-rtx-cu13==$rtx"
    [engines]="tensorrt-rtx-cu13-libs==$tensorrt_rtx tensorrt-rtx-cu13-bindings==$tensorrt_rtx"
)

aside=$(mktemp -d)
trap 'rm -rf "$aside"' EXIT

pins() { # the versions that the lock file has for that Python, for the packages that are named
    uv export --project "$here/../.." --frozen --extra export --no-dev --no-hashes --no-emit-project --quiet |
        uv pip compile - --quiet --no-deps --no-header --no-annotate --python-version "$python" \
            --python-platform x86_64-manylinux_2_28 |
        grep -i -x -E "($(tr -s ' ' '|' <<<"$*"))==.*"
}

platforms=()
for glibc in 2_12 2_17 2_24 2_26 2_27 2_28 2_31 2_34 2_35; do platforms+=(--platform "manylinux_${glibc}_x86_64"); done
for old in manylinux1 manylinux2010 manylinux2014; do platforms+=(--platform "${old}_x86_64"); done

number=0
for route in $routes; do
    number=$((number + 1))
    if [[ $route == base ]]; then
        if $lean; then pins $missing_in_lean; else pins $small $large; fi >"$aside/$route.txt"
    else
        tr ' ' '\n' <<<"${wheels[$route]}" >"$aside/$route.txt"
        # The builder of engines reads ONNX files with it.
        if [[ $route == engines ]] && ! $lean; then pins onnx ml-dtypes >>"$aside/$route.txt"; fi
    fi
    pip download --quiet --no-deps --only-binary=:all: --python-version "$python" --implementation cp "${platforms[@]}" \
        --dest "$aside/all/$number-$route" --requirement "$aside/$route.txt"
done
python3 "$here/pack.py" "$aside/all" "$into" --limit "$limit"
