#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs stress-ng --verify in a Debian guest, one stressor after the other, and tells of each whether
# all that it computed was right: a test of the engine under load. Fails when one was not, or when the
# guest's kernel complained. The guest is that of scripts/guest/build-debian.sh, on a copy of its disk.
#
#   scripts/stress.sh [--smp N] [--seconds N] [--only "NAME..."] [-- BOOT-OPTION...]
#
#   --smp N      processors of the guest, and instances of each stressor; 4 unless told
#   --seconds N  for each stressor, 10 unless told
#   --only ...   these stressors ("stress-ng --help" in the guest lists them)
#   what follows -- goes to boot, as in -- --engine interp

. "$(dirname "$0")/lib/common.sh"

smp=4
seconds=10
# Computing; then what several processors do to the same memory, page tables and code.
stressors="cpu vm matrix matrix-3d sparsematrix vecmath vecfp vecshuf vecwide fp memcpy str stream zlib
  qsort heapsort mergesort radixsort shellsort bsearch tree judy hash crypt
  atomic mutex futex sem switch lockbus membarrier vm-rw vm-segv mremap tlb-shootdown icache fork clone pthread"
options=()
while (($# > 0)); do
  case $1 in
    --smp | --seconds | --only)
      [[ ${2:-} ]] || die "$1 needs a value"
      case $1 in
        --smp) smp=$2 ;;
        --seconds) seconds=$2 ;;
        *) stressors=$2 ;;
      esac
      shift
      ;;
    --)
      shift
      options=("$@")
      break
      ;;
    -h | --help)
      sed -n '3,/^$/s/^# \{0,1\}//p' "$0"
      exit 0
      ;;
    *) die "unknown option $1; --help lists the options" ;;
  esac
  shift
done

boot=$KINDLING_BUILD/bin/boot
[[ -x $boot ]] || die "$boot is not built; build it (scripts/demo.sh)"
[[ -s $KINDLING_GUEST/debian.ext4 ]] || "$KINDLING_ROOT/scripts/guest/build-debian.sh"
take_turns stress
disk=$KINDLING_WORK/stress.ext4
log=$KINDLING_WORK/stress.log
rm -f "$disk"
cp --reflink=auto --sparse=always "$KINDLING_GUEST/debian.ext4" "$disk"

read -r -d '' -a names <<<"$stressors" || true
# Those that write memory get some of what the guest has.
run="for s in ${names[*]}; do o=; case \$s in vm|vm-*) o=--vm-bytes=32M;; esac; \
stress-ng --verify --timeout $seconds --\$s $smp \$o --oom-avoid >/run/log 2>&1; e=\$?; \
case \$e in 0|3|4) ;; *) cat /run/log;; esac; echo stressor \$s: status \$e; done"
say "stress-ng with $smp processors, $seconds seconds a stressor; the console is in $log"
trap - ERR
status=0
nice "$boot" --smp "$smp" --mem 1G --stats "${options[@]}" --initramfs "$KINDLING_GUEST/initramfs.cpio.gz" \
  --append "quiet kindling.run=\"$run\"" "$KINDLING_GUEST/Image" "$disk" </dev/null 2>&1 |
  tee "$log" |
  while IFS=$': \r' read -r word name _ number; do
    [[ $word == stressor ]] || continue
    case $number in
      0) verdict=passed ;;
      3 | 4) verdict="cannot run here" ;;
      *) verdict=FAILED ;;
    esac
    printf '%-16s%s\n' "$name" "$verdict"
  done || status=$?
rm -f "$disk"
((status == 0)) || die "the guest ended with status $status"
if grep -aqE '(BUG|Oops|Internal error|Call trace|rcu: INFO|soft lockup|the engines differ)' "$log"; then
  die "the guest's kernel complained; see $log"
fi
(($(grep -ac '^stressor ' "$log") == ${#names[@]})) || die "the guest did not run all stressors; see $log"
(($(tr -d '\r' <"$log" | grep -acE '^stressor .*: status [034]$') == ${#names[@]})) || die "a stressor failed; see $log"
say "nothing wrong"
