#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes build/guest/debian.ext4: a Debian arm64 root from debootstrap with bash, coreutils, Python,
# OpenSSL and stress-ng. debootstrap unpacks here; the second stage, which runs the packages' own
# arm64 scripts, runs inside a guest. Needs neither root rights nor mounts.
#
#   --vmm boot|qemu   what runs the second stage: our own boot (if it is built) or qemu-system-aarch64
#   --systemd         makes build/guest/debian-systemd.ext4, whose init is systemd, instead
#   --force           makes it again although it is there

. "$(dirname "$0")/../lib/common.sh"
. "$KINDLING_ROOT/scripts/lib/apt.sh"
. "$KINDLING_ROOT/scripts/lib/busybox.sh"

here=$KINDLING_ROOT/scripts/guest
name=debian
boot=$KINDLING_BUILD/bin/boot
packages=bash,coreutils,busybox-static,python3-minimal,openssl,stress-ng,procps,iproute2,less
vmm=
force=

while (($# > 0)); do
  case $1 in
    --vmm)
      [[ ${2:-} == boot || ${2:-} == qemu ]] || die "--vmm takes boot or qemu"
      vmm=$2
      shift
      ;;
    --systemd)
      name=debian-systemd
      packages+=,systemd-sysv,udev,dbus
      ;;
    --force) force=yes ;;
    *) die "unknown option $1; there are --vmm boot|qemu, --systemd and --force" ;;
  esac
  shift
done

disk=$KINDLING_GUEST/$name.ext4
stamp=$KINDLING_GUEST/.build-$name
tree=$KINDLING_WORK/$name

hash=$(content_hash "$0" "$here/debian" "$here/rootfs" "$here/helper")
[[ $force ]] && rm -f "$stamp"
up_to_date "$stamp" "$hash" "$disk" && exit 0

need_tools debootstrap fakeroot mke2fs dpkg-deb aarch64-linux-gnu-gcc
[[ $vmm ]] || { [[ -x $boot ]] && vmm=boot || vmm=qemu; }
if [[ $vmm == boot ]]; then
  [[ -x $boot ]] || die "$boot is not built; build it (scripts/demo.sh) or say --vmm qemu"
else
  need_tools qemu-system-aarch64
fi
"$here/fetch-debian.sh"
take_turns build-debian
up_to_date "$stamp" "$hash" "$disk" && exit 0

# The mirror and the release that this machine's own apt sources name.
mirror_and_suite() {
  private_apt_update
  private_apt get indextargets --format '$(REPO_URI) $(CODENAME) $(SUITE) $(ORIGIN) $(COMPONENT)' \
    'Created-By: Packages' |
    awk '$4 == "Debian" && $5 == "main" && $2 !~ /-/ && !found { print $1, $2; found = 1 }'
}

first_stage() {
  local mirror suite
  read -r mirror suite < <(mirror_and_suite) || true
  [[ ${suite:-} ]] || die "the apt sources name no Debian release; see /etc/apt/sources.list*"
  say "downloading and unpacking Debian $suite for arm64 (about 90 packages, a minute)"
  rm -rf "$tree"
  mkdir -p "$KINDLING_WORK/debian-debs"
  install_helper "$KINDLING_WORK/helper"
  # One fakeroot session, so that owners and device nodes reach the ext4 file.
  quietly "$KINDLING_WORK/debootstrap.log" env PATH="$PATH:/usr/sbin:/sbin" fakeroot -- bash -c '
    set -e
    tree=$1 here=$2 packages=$3 suite=$4 mirror=$5 disk=$6 work=$7
    debootstrap --foreign --arch=arm64 --variant=minbase --include="$packages" --cache-dir="$work/debian-debs" \
      "$suite" "$tree" "$mirror"
    install -m 755 "$here/debian/second-stage" "$tree/second-stage"
    install -m 755 "$work/helper/usr/sbin/kindling-helper" "$tree/usr/sbin/kindling-helper"
    install -D -m 644 "$here/debian/kindling-helper.service" \
      "$tree/etc/systemd/system/kindling-helper.service"
    mkdir -p "$tree/etc/systemd/system/multi-user.target.wants"
    ln -s ../kindling-helper.service "$tree/etc/systemd/system/multi-user.target.wants/"
    echo kindling >"$tree/etc/hostname"
    [[ ,$packages, == *,systemd-sysv,* ]] || for file in etc/inittab etc/init.d/rcS etc/init.d/rcK etc/hostname etc/hosts etc/fstab etc/motd \
      usr/sbin/console-shell; do
      mkdir -p "$tree/kindling/$(dirname "$file")"
      cp "$here/rootfs/$file" "$tree/kindling/$file"
    done
    chown -R 0:0 "$tree/etc/hostname"
    [[ ! -d $tree/kindling ]] || chown -R 0:0 "$tree/kindling"
    # The downloaded packages are unpacked from inside the guest once more.
    rm -f "$disk"
    mke2fs -q -t ext4 -d "$tree" -L debian -m 0 -E lazy_itable_init=0,lazy_journal_init=0 "$disk" 2G
  ' _ "$tree" "$here" "$packages" "$suite" "$mirror" "$disk.new" "$KINDLING_WORK"
  rm -rf "$tree"
}

second_stage() {
  local log=$KINDLING_WORK/second-stage.log status=0 command
  local cmdline="root=/dev/vda rw init=/second-stage quiet"
  if [[ $vmm == boot ]]; then
    command=("$boot" --mem 1G --initramfs "$KINDLING_GUEST/initramfs.cpio.gz"
      --append "$cmdline" "$KINDLING_GUEST/Image" "$disk.new")
  else
    command=(qemu-system-aarch64 -M virt -cpu cortex-a72 -m 1G -nographic -nodefaults -no-reboot
      -serial stdio -global virtio-mmio.force-legacy=false -kernel "$KINDLING_GUEST/Image"
      -initrd "$KINDLING_GUEST/initramfs.cpio.gz" -append "console=ttyAMA0 $cmdline"
      -drive "if=none,id=root,format=raw,file=$disk.new" -device virtio-blk-device,drive=root
      -device virtio-rng-device)
  fi
  say "configuring the packages in a guest ($vmm); the log is $log"
  nice timeout 3600 "${command[@]}" </dev/null 2>&1 | tee "$log" |
    awk '/^I: / && ++count % 20 == 0 { print; fflush() }' >&2 || status=$?
  if ((status != 0)) || ! grep -q '^second stage: done' "$log"; then
    tail -n 30 "$log" >&2
    die "the packages could not be configured in the guest; the whole console is in $log"
  fi
}

first_stage
second_stage
mv "$disk.new" "$disk"
printf '%s\n' "$hash" >"$stamp"
say "wrote $disk; start it with: build/bin/boot --mem 1G --initramfs build/guest/initramfs.cpio.gz build/guest/Image build/guest/$name.ext4"
