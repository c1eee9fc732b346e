# SPDX-License-Identifier: Apache-2.0
# Staged root trees and the ext4 files made from them. Sourced after common.sh.

# need_tools TOOL...: fails with the packages to install.
need_tools() {
  local tool missing=()
  # mke2fs and depmod live in sbin, which is not on every user's PATH.
  PATH=$PATH:/usr/sbin:/sbin
  for tool in "$@"; do command -v "$tool" >/dev/null || missing+=("$tool"); done
  ((EUID == 0)) || command -v fakeroot >/dev/null || missing+=(fakeroot)
  ((${#missing[@]} == 0)) ||
    die "missing on this machine: ${missing[*]}; run scripts/demo.sh or scripts/setup.sh, which install them"
}

# busybox_applets BINARY: the names it answers to, read from the table in the binary (which belongs to
# another architecture and cannot be asked).
busybox_applets() {
  tr '\0' '\n' <"$1" | LC_ALL=C sed -n '/^\[\[$/,/^$/p' | LC_ALL=C grep -aE '^[][a-z0-9_.-]+$' | LC_ALL=C grep -vx busybox
}

# busybox_root TREE BINARY: an empty merged-/usr root with busybox under all its names.
busybox_root() {
  local tree=$1 binary=$2 applet folder
  rm -rf "$tree"
  mkdir -p "$tree"/{dev,etc,home,mnt,proc,root,run,sys,tmp,var/log,var/tmp,usr/{bin,sbin,lib,local/bin}}
  for folder in bin sbin lib; do ln -s "usr/$folder" "$tree/$folder"; done
  ln -s ../run "$tree/var/run"
  chmod 1777 "$tree/tmp" "$tree/var/tmp"
  chmod 700 "$tree/root"
  install -m 755 "$binary" "$tree/usr/bin/busybox"
  busybox_applets "$binary" | while read -r applet; do
    ln -sf busybox "$tree/usr/bin/$applet"
  done
  [[ -L $tree/usr/bin/init || -L $tree/usr/bin/sh ]] ||
    die "found no applet names in Debian's busybox; its layout has changed"
  for applet in init poweroff reboot halt getty switch_root; do
    ln -sf ../bin/busybox "$tree/usr/sbin/$applet"
  done
}

# make_ext4 TREE FILE SIZE LABEL: an ext4 file with the tree's contents owned by root, without mounting.
make_ext4() {
  local tree=$1 file=$2 size=$3 label=$4
  rm -f "$file"
  with_root_ids bash -c 'set -e
    ((EUID != 0)) || chown -R 0:0 "$1"
    mke2fs -q -t ext4 -d "$1" -L "$4" -m 0 -E lazy_itable_init=0,lazy_journal_init=0 "$2" "$3" >/dev/null' \
    _ "$tree" "$file" "$size" "$label" || die "mke2fs cannot make $file of $size from $tree"
}

# install_helper TREE: the program that docs/guest-helper.md describes.
install_helper() {
  mkdir -p "$1/usr/sbin"
  aarch64-linux-gnu-gcc -std=gnu11 -Os -Wall -Wextra -static -s -o "$1/usr/sbin/kindling-helper" \
    "$KINDLING_ROOT/scripts/guest/helper/kindling-helper.c" ||
    die "the guest's helper cannot be compiled"
}
