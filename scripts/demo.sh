#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From a fresh clone to a shell in an arm64 guest: installs what is missing, builds a release, prepares
# the guest files, boots.
#
#   scripts/demo.sh [--smp N] [--mem SIZE] [--microvm] [--smoke]
#
#   --smp N      processors of the guest, 1 unless told
#   --mem SIZE   memory of the guest, 512M unless told
#   --microvm    boots the small kernel (built on first use) instead of Debian's
#   --smoke      runs a command in the guest on a copy of the disk, powers off, checks what it printed

. "$(dirname "$0")/lib/common.sh"
. "$KINDLING_ROOT/scripts/lib/setup.sh"

smp=1
mem=512M
kernel=debian
smoke=
while (($# > 0)); do
  case $1 in
    --smp | --mem)
      [[ ${2:-} ]] || die "$1 needs a value, as in $1 ${1/--smp/2}"
      [[ $1 == --smp ]] && smp=$2 || mem=$2
      shift
      ;;
    --microvm) kernel=microvm ;;
    --smoke) smoke=yes ;;
    -h | --help)
      sed -n '3,/^$/s/^# \{0,1\}//p' "$0"
      exit 0
      ;;
    *) die "unknown option $1; --help lists the options" ;;
  esac
  shift
done

install_packages build guest
configure_release OFF
build_release boot
"$KINDLING_ROOT/scripts/guest/fetch-debian.sh"
arguments=(--smp "$smp" --mem "$mem")
if [[ $kernel == microvm ]]; then
  install_packages kernel
  "$KINDLING_ROOT/scripts/guest/build-kernel.sh"
  image=$KINDLING_GUEST/Image.microvm
else
  image=$KINDLING_GUEST/Image
  arguments+=(--initramfs "$KINDLING_GUEST/initramfs.cpio.gz")
fi
boot=$KINDLING_BUILD/bin/boot

if [[ ! $smoke ]]; then
  # Standard input may be a pipe; the guest then takes its commands from there.
  [[ -t 0 ]] && say "booting; Ctrl-A x leaves the machine"
  exec "$boot" "${arguments[@]}" "$image" "$KINDLING_GUEST/rootfs.ext4"
fi

disk=$KINDLING_WORK/smoke.ext4
log=$KINDLING_WORK/smoke.log
trap 'rm -f "$disk"' EXIT
cp --sparse=always "$KINDLING_GUEST/rootfs.ext4" "$disk"
command='echo smoke-$((6 * 7)) on $(uname -m) with $(nproc) CPU'
say "booting, running a command in the guest, powering off"
status=0
timeout 600 "$boot" "${arguments[@]}" --append "quiet kindling.run=\"$command\"" "$image" "$disk" \
  </dev/null 2>&1 | tee "$log" || status=$?
((status != 124)) || die "the guest did not power off within ten minutes; its console is in $log"
((status == 0)) || die "boot ended with status $status; its console is in $log"
grep -q "smoke-42 on aarch64 with $smp CPU" "$log" && grep -q 'kindling.run: exit status 0' "$log" ||
  die "the guest's command did not print what it should; its console is in $log"
say "the guest ran its command and powered off"
