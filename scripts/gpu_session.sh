#!/bin/sh
# Everything that is to be measured on a CUDA GPU, in one run that may be cut off and called again.
#
#     DATA=path/to/isbi2015 OUT=runs/gpu [LIMIT=540] [EPOCHS=300] scripts/gpu_session.sh
#
# 1. the ceilings of the machine, throughput of detection and of training      (benchmarks/gpu.py)
# 2. the full network, trained on isbi2015 001-150 with the settings of the paper, and with those of the bundled model
# 3. its figures on Test1, and a folder detected end to end
# A call ends after LIMIT seconds, with code 3 where something is left: the next one goes on there, a training from its
# last epoch. What is done is not done again. Everything is logged in OUT/session.log; the figures are OUT/*.json and
# OUT/*.md. WEIGHTS is where the backbone starts: imagenet (torchvision downloads them, or has them in TORCH_HOME), a
# .safetensors file, or none. COMPILE=--compile compiles the networks first (see the benchmark whether it is worth it).
set -eu

: "${DATA:?set DATA to the folder of ISBI 2015}"
OUT="${OUT:-runs/gpu}"
LIMIT="${LIMIT:-540}"
EPOCHS="${EPOCHS:-300}"
PYTHON="${PYTHON:-python3}"
WEIGHTS="${WEIGHTS:-imagenet}"
COMPILE="${COMPILE:-}"
here="$(cd "$(dirname "$0")/.." && pwd)"
export PYTHONPATH="$here/src${PYTHONPATH:+:$PYTHONPATH}"

mkdir -p "$OUT"
log="$OUT/session.log"
began="$(date +%s)"
left() { echo $((LIMIT - $(date +%s) + began)); }
say() { echo "$(date -u +%FT%TZ) $*" | tee -a "$log"; }

# part NAME COMMAND...: run a part once, within the time that is left; its standard output becomes OUT/NAME.
part() {
    name="$1"
    shift
    [ -e "$OUT/$name" ] && return 0
    [ "$(left)" -gt 20 ] || { say "no time is left for $name: call again"; exit 3; }
    say "$name: $*"
    code=0
    # An interrupt lets a training keep its last epoch.
    timeout --signal=INT --kill-after=20 "$(left)" "$@" >"$OUT/$name.part" 2>>"$log" || code=$?
    if [ "$code" -ne 0 ]; then
        case "$code" in
        124 | 130 | 137) say "$name: the time is over; call again"; exit 3 ;;
        esac
        say "$name failed with code $code; see $log"
        exit "$code"
    fi
    mv "$OUT/$name.part" "$OUT/$name"
    say "$name: done"
}

# training NAME WORDS...: train, or go on.
training() {
    run="$1"
    shift
    if [ -e "$OUT/$run/last.ckpt" ]; then
        part "$run.train.json" "$PYTHON" -m farnet train --output "$OUT/$run" --resume --json --accelerator gpu --devices 1 \
            $COMPILE
    else
        [ -e "$OUT/$run.train.json" ] || rm -rf "${OUT:?}/$run" # cut off before its first epoch was over
        part "$run.train.json" "$PYTHON" -m farnet train --data "$DATA" --dataset isbi2015 --output "$OUT/$run" --json \
            --accelerator gpu --devices 1 --precision bf16-mixed --set "epochs=$EPOCHS" --set workers=8 \
            --set "name=$run" $COMPILE "$@"
    fi
    model="$(ls "$OUT/$run"/*.safetensors)"
    part "$run.test1.json" "$PYTHON" -m farnet evaluate --model "$model" --data "$DATA" --split test1 --device cuda --json
    part "$run.test1.md" "$PYTHON" -m farnet evaluate --model "$model" --data "$DATA" --split test1 --device cuda
}

command -v nvidia-smi >/dev/null 2>&1 && nvidia-smi >>"$log" 2>&1
part benchmark.md "$PYTHON" "$here/benchmarks/gpu.py"
training farnet-paper --preset paper --set "weights=$WEIGHTS"
training farnet-best --preset compact --set network.backbone=densenet121 --set network.width=256 \
    --set network.finest=0 --set "weights=$WEIGHTS" --set input.height=800 --set input.width=640 \
    --set sigma=6.25 --set sigma_coarse=4.7
part folder.json "$PYTHON" -m farnet detect "$DATA/RawImage/Test1Data" --model "$(ls "$OUT"/farnet-best/*.safetensors)" \
    --device cuda --precision bf16 --output "$OUT/test1.csv" --force --json $COMPILE
say "everything is done"
