#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes the default guest from Debian's arm64 packages:
#
#   build/guest/Image              Debian's cloud kernel, unchanged
#   build/guest/initramfs.cpio.gz  busybox and the virtio drivers that this kernel has as modules
#   build/guest/rootfs.ext4        a small root file system around busybox
#
# Needs neither root rights nor mounts. Does nothing when the files are there and current;
# `--force` makes them again (a root file system that you have written to is then lost).

. "$(dirname "$0")/../lib/common.sh"
. "$KINDLING_ROOT/scripts/lib/apt.sh"
. "$KINDLING_ROOT/scripts/lib/busybox.sh"

here=$KINDLING_ROOT/scripts/guest
debs=$KINDLING_WORK/debs
stage=$KINDLING_WORK/stage
image=$KINDLING_GUEST/Image
initramfs=$KINDLING_GUEST/initramfs.cpio.gz
rootfs=$KINDLING_GUEST/rootfs.ext4
stamp=$KINDLING_GUEST/.fetch-debian

# In the initramfs: what it takes to reach the root disk, entropy, and the helper's port, which a root
# without this kernel's modules is to have too.
early_modules="virtio_mmio virtio_blk virtio_rng virtio_console"
# In the root file system, loaded when such a device is there or on request.
late_modules="$early_modules virtio_net virtio_balloon virtio_input evdev
  vmw_vsock_virtio_transport overlay"

hash=$(content_hash "$0" "$here/initramfs" "$here/rootfs" "$here/helper" "$KINDLING_ROOT"/scripts/lib/{apt,busybox}.sh)
[[ ${1:-} == --force ]] && rm -f "$stamp"
up_to_date "$stamp" "$hash" "$image" "$initramfs" "$rootfs" && exit 0
take_turns fetch-debian
up_to_date "$stamp" "$hash" "$image" "$initramfs" "$rootfs" && exit 0

need_tools dpkg-deb depmod modprobe cpio mke2fs python3 aarch64-linux-gnu-gcc

# Module names in file names use either - or _; modprobe takes both.
modules_in_order() {
  local module
  for module in "$@"; do
    modprobe -d "$stage/kernel" -S "$release" --show-depends "$module" ||
      die "the kernel $release has no module $module"
  done | sed -n 's/^insmod //p' | sed 's/ *$//' | awk '!seen[$0]++'
}

fetch() {
  private_apt_update
  local kernel
  kernel=$(private_apt cache depends linux-image-cloud-arm64 | sed -n 's/^ *Depends: //p')
  [[ $kernel == linux-image-*-cloud-arm64 ]] ||
    die "Debian's linux-image-cloud-arm64 names no kernel; is \"main\" among the apt sources?"
  release=${kernel#linux-image-}
  say "downloading $kernel and busybox-static for arm64 (about 22 MB)"
  rm -rf "$debs"
  private_apt_fetch "$debs" "$kernel" busybox-static
  rm -rf "$stage"
  mkdir -p "$stage"/{kernel,busybox}
  dpkg-deb -x "$debs"/linux-image-*.deb "$stage/kernel"
  dpkg-deb -x "$debs"/busybox-static_*.deb "$stage/busybox"
  depmod -b "$stage/kernel" "$release"
}

make_initramfs() {
  say "making the initramfs"
  local tree=$stage/initramfs module
  mkdir -p "$tree"/{bin,dev,proc,sys,root,modules}
  cp "$stage/busybox/bin/busybox" "$tree/bin/"
  cp "$here/initramfs/init" "$tree/init"
  chmod 755 "$tree/init"
  modules_in_order $early_modules >"$stage/early"
  while read -r module; do
    cp "$module" "$tree/modules/"
    basename "$module"
  done <"$stage/early" >"$tree/modules/order"
  (cd "$tree" && find . -mindepth 1 | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0 --reproducible) \
    >"$stage/initramfs.cpio"
  # Stored, not compressed: a guest on a software CPU boots sooner when it has nothing to inflate.
  python3 - "$stage/initramfs.cpio" "$initramfs.new" <<'PY'
import sys, zlib, struct
data = open(sys.argv[1], "rb").read()
body = zlib.compressobj(0, zlib.DEFLATED, -15)
packed = body.compress(data) + body.flush()
with open(sys.argv[2], "wb") as out:
    out.write(b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + packed)
    out.write(struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF))
PY
}

make_rootfs() {
  say "making the root file system"
  local tree=$stage/rootfs module
  busybox_root "$tree" "$stage/busybox/bin/busybox"
  cp -R "$here/rootfs/." "$tree/"
  install_helper "$tree"
  printf 'NAME="Kindling guest"\nID=kindling\nPRETTY_NAME="Kindling guest (busybox from Debian %s)"\n' \
    "$(private_apt_candidate base-files)" >"$tree/etc/os-release"
  modules_in_order $late_modules >"$stage/late"
  while read -r module; do
    install -D -m 644 "$module" "$tree${module#"$stage/kernel"}"
  done <"$stage/late"
  local info=$stage/kernel/lib/modules/$release
  cp "$info"/modules.{builtin,order} "$tree/lib/modules/$release/"
  [[ -f $info/modules.builtin.modinfo ]] && cp "$info/modules.builtin.modinfo" "$tree/lib/modules/$release/"
  depmod -b "$tree" "$release"
  make_ext4 "$tree" "$rootfs.new" 256M kindling
}

fetch
make_initramfs
make_rootfs
cp "$stage/kernel/boot/vmlinuz-$release" "$image.new"
chmod 644 "$image.new"
for file in "$image" "$initramfs" "$rootfs"; do mv "$file.new" "$file"; done
rm -rf "$stage"
printf '%s\n' "$hash" >"$stamp"
say "wrote Image ($release), initramfs.cpio.gz and rootfs.ext4 to ${KINDLING_GUEST#"$PWD"/}"
