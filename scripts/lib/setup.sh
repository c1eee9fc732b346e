# SPDX-License-Identifier: Apache-2.0
# Debian packages that each kind of work needs, and the release build. Sourced after common.sh.

packages_of() {
  case $1 in
    build)
      echo build-essential cmake ninja-build pkg-config ccache libfdt-dev libcli11-dev \
        nlohmann-json3-dev libfmt-dev libzstd-dev zlib1g-dev nettle-dev libxxhash-dev libxbyak-dev
      ;;
    test)
      # The differential tests run cross-compiled programs under qemu-user and read FDTs with dtc.
      echo libgtest-dev libgmock-dev libbenchmark-dev libcapstone-dev device-tree-compiler python3 \
        gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user
      ;;
    guest)
      # The guest's helper is compiled.
      echo cpio kmod e2fsprogs fakeroot python3 util-linux ca-certificates \
        gcc-aarch64-linux-gnu libc6-dev-arm64-cross
      ;;
    kernel) echo make gcc libc6-dev gcc-aarch64-linux-gnu flex bison bc xz-utils ;;
    debian) echo debootstrap wget e2fsprogs fakeroot xz-utils ;;
    bench) echo qemu-system-arm qemu-utils libbenchmark-dev python3 ;;
    lint) echo clang-format clang-tidy ;;
    format) echo clang-format ;;
    *) die "no package group is called $1" ;;
  esac
}

as_root() {
  if ((EUID == 0)); then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "packages must be installed; run this as root, or install sudo, or install by hand: $*"
  fi
}

is_installed() {
  [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# install_packages GROUP...: installs what is missing, and says nothing when nothing is.
install_packages() {
  local group package missing=()
  command -v dpkg-query >/dev/null ||
    die "this is not a Debian system: install the packages that scripts/lib/setup.sh names by hand"
  for group in "$@"; do
    for package in $(packages_of "$group"); do
      is_installed "$package" || missing+=("$package")
    done
  done
  ((${#missing[@]} > 0)) || return 0
  say "installing from Debian: ${missing[*]}"
  mkdir -p "$KINDLING_BUILD"
  local log=$KINDLING_BUILD/apt-install.log
  local install=(env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends)
  # Package lists may be absent or old; they are read again only if the first try needs it.
  if ! as_root "${install[@]}" "${missing[@]}" >"$log" 2>&1; then
    say "reading the package lists"
    as_root apt-get update -q >>"$log" 2>&1 || true
    if ! as_root "${install[@]}" "${missing[@]}" >>"$log" 2>&1; then
      tail -n 15 "$log" >&2
      die "apt-get cannot install ${missing[*]}; check the network and /etc/apt/sources.list*"
    fi
  fi
}

# Passes a compiler's messages on, and of ninja's counter every 25th line when nobody watches.
thin_out() {
  awk '!/^\[[0-9]+\/[0-9]+\]/ { print; fflush(); next }
       ++count % 25 == 0 { sub(/\].*/, "]"); print "building " $0; fflush() }' >&2
}

# configure_release ON|OFF: the release preset in build/, with or without tests. Without, it needs none of
# the packages of the group "test"; a build that has tests keeps them.
configure_release() {
  local cache=$KINDLING_BUILD/CMakeCache.txt
  if [[ -f $KINDLING_BUILD/build.ninja ]]; then
    [[ $1 == OFF ]] && return 0
    grep -q '^BUILD_TESTING:BOOL=ON' "$cache" && return 0
  fi
  say "configuring the release build"
  quietly "$KINDLING_BUILD/configure.log" \
    cmake -S "$KINDLING_ROOT" --preset release -DBUILD_TESTING="$1"
}

# build_release [TARGET...]: builds what configure_release has configured.
build_release() {
  local count
  count=$(ninja -C "$KINDLING_BUILD" -n "$@" 2>/dev/null | sed -n 's/^\[[0-9]*\/\([0-9]*\)\].*/\1/p' | tail -n 1)
  [[ $count ]] || return 0
  say "building ($count steps)"
  if [[ -t 2 && -t 1 ]]; then
    nice ninja -C "$KINDLING_BUILD" "$@" || die "the build failed; the messages above say where"
  else
    nice ninja -C "$KINDLING_BUILD" "$@" 2>&1 | thin_out || die "the build failed; the messages above say where"
  fi
}
