#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the small guest kernel, build/guest/Image.microvm, from Debian's linux-source-6.1 with the
# options of microvm.config: everything built in, so that `boot Image.microvm rootfs.ext4` needs no
# initramfs. Cross-compiled with Debian's aarch64-linux-gnu-gcc; a few minutes on two cores.
#
#   --jobs N   compiler processes, all cores unless told
#   --force    builds again although nothing changed

. "$(dirname "$0")/../lib/common.sh"
. "$KINDLING_ROOT/scripts/lib/apt.sh"
. "$KINDLING_ROOT/scripts/lib/busybox.sh"

fragment=$KINDLING_ROOT/scripts/guest/microvm.config
image=$KINDLING_GUEST/Image.microvm
stamp=$KINDLING_GUEST/.build-kernel
work=$KINDLING_WORK/kernel
jobs=$(nproc)
force=

while (($# > 0)); do
  case $1 in
    --jobs)
      [[ ${2:-} =~ ^[1-9][0-9]*$ ]] || die "--jobs takes a number, as in --jobs 2"
      jobs=$2
      shift
      ;;
    --force) force=yes ;;
    *) die "unknown option $1; there are --jobs N and --force" ;;
  esac
  shift
done

hash=$(content_hash "$0" "$fragment")
[[ $force ]] && rm -f "$stamp"
up_to_date "$stamp" "$hash" "$image" && exit 0
take_turns build-kernel
up_to_date "$stamp" "$hash" "$image" && exit 0
need_tools dpkg-deb xz make gcc flex bison bc aarch64-linux-gnu-gcc

fetch_source() {
  private_apt_update
  local version
  version=$(private_apt_candidate linux-source-6.1)
  [[ $version ]] || die "Debian's linux-source-6.1 is not in the configured apt sources"
  source=$work/linux-source-6.1
  [[ -f $source/.extracted && $(<"$source/.extracted") == "$version" ]] && return 0
  rm -rf "$work"
  mkdir -p "$work/deb"
  say "downloading linux-source-6.1 $version (132 MB)"
  private_apt_fetch "$work/deb" "linux-source-6.1=$version"
  say "unpacking it (1.4 GB)"
  dpkg-deb -x "$work"/deb/*.deb "$work/deb"
  # Folders that no arm64 build reads; what Kconfig sources stays.
  tar -C "$work" -xJf "$work"/deb/usr/src/linux-source-6.1.tar.xz \
    --exclude='*/Documentation/devicetree' --exclude='*/tools/testing' --exclude='*/drivers/gpu/drm/amd/include'
  rm -rf "$work/deb"
  printf '%s\n' "$version" >"$source/.extracted"
}

kernel_make() {
  # The first two make the result depend on the source alone.
  nice make -C "$source" O="$work/build" ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- \
    KBUILD_BUILD_USER=kindling KBUILD_BUILD_HOST=kindling "$@"
}

# Lines of the fragment that the configuration lost, for want of something they depend on.
lost_options() {
  local line name
  while read -r line; do
    case $line in
      CONFIG_*=*) grep -qxF -- "$line" "$work/build/.config" || printf '%s\n' "$line" ;;
      '# CONFIG_'*' is not set')
        name=${line#\# }
        name=${name%% *}
        grep -q "^$name=" "$work/build/.config" && printf '%s\n' "$line"
        ;;
    esac
  done <"$fragment"
  return 0
}

started=$SECONDS
fetch_source
mkdir -p "$work/build"
quietly "$work/config.log" kernel_make KCONFIG_ALLCONFIG="$fragment" allnoconfig
lost=$(lost_options)
[[ -z $lost ]] || die "linux-source-6.1 does not take these lines of ${fragment#"$KINDLING_ROOT"/}:"$'\n'"$lost"
say "compiling with $jobs processes; the log is ${work#"$PWD"/}/build.log"
quietly "$work/build.log" kernel_make -j"$jobs" Image
cp "$work/build/arch/arm64/boot/Image" "$image.new"
chmod 644 "$image.new"
mv "$image.new" "$image"
printf '%s\n' "$hash" >"$stamp"
say "wrote ${image#"$PWD"/} ($(($(stat -c %s "$image") >> 10)) KiB) in $((SECONDS - started)) s"
