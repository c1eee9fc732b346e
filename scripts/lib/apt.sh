# SPDX-License-Identifier: Apache-2.0
# Debian packages of another architecture through a private apt state. Sourced after common.sh.
#
# The machine's own package sources, keys and download settings are used, but lists, caches and the
# (empty) table of installed packages live under build/guest-work/apt, so that nothing changes outside
# the build folder and no root rights are needed.

KINDLING_APT=$KINDLING_WORK/apt

private_apt_setup() {
  mkdir -p "$KINDLING_APT"/{lists/partial,archives/partial,log}
  : >>"$KINDLING_APT/status"
  cat >"$KINDLING_APT/apt.conf.$$" <<CONF
APT::Architecture "arm64";
#clear APT::Architectures;
APT::Architectures { "arm64"; };
APT::Sandbox::User "$(id -un)";
APT::Install-Recommends "false";
Acquire::Languages "none";
Acquire::Retries "5";
Dir::State "$KINDLING_APT";
Dir::State::lists "$KINDLING_APT/lists";
Dir::State::status "$KINDLING_APT/status";
Dir::Cache "$KINDLING_APT";
Dir::Cache::archives "$KINDLING_APT/archives";
Dir::Log "$KINDLING_APT/log";
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Install-Pkgs;
CONF
  mv "$KINDLING_APT/apt.conf.$$" "$KINDLING_APT/apt.conf"
}

private_apt() {
  local command=$1
  shift
  "apt-$command" -c "$KINDLING_APT/apt.conf" "$@"
}

# private_apt_update: brings the package lists to no older than a day. A source that has no arm64
# packages may fail; what matters is whether the packages are found afterwards.
private_apt_update() {
  command -v apt-get >/dev/null ||
    die "apt-get is missing: guest files are made from Debian packages; run this on Debian or Ubuntu"
  private_apt_setup
  exec 8>"$KINDLING_APT/update.lock"
  flock 8
  if [[ -n $(find "$KINDLING_APT/updated" -mmin -1440 2>/dev/null) ]]; then
    exec 8>&-
    return 0
  fi
  say "reading Debian's arm64 package lists"
  private_apt get update -q >"$KINDLING_APT/log/update.log" 2>&1 || true
  if [[ -z $(private_apt cache policy busybox-static 2>/dev/null) ]]; then
    tail -n 15 "$KINDLING_APT/log/update.log" >&2
    die "no arm64 packages in the configured apt sources; check the network and /etc/apt/sources.list*"
  fi
  touch "$KINDLING_APT/updated"
  exec 8>&-
}

# private_apt_fetch FOLDER PACKAGE...: the named packages' .deb files, without their dependencies.
private_apt_fetch() {
  local folder=$1 log
  shift
  mkdir -p "$folder"
  log=$KINDLING_APT/log/download.log
  (cd "$folder" && private_apt get download -q "$@") >"$log" 2>&1 && return 0
  tail -n 15 "$log" >&2
  # Lists that went stale name files that are gone: read them again next time.
  rm -f "$KINDLING_APT/updated"
  die "cannot download $* from Debian; check the network and run this again"
}

# private_apt_candidate PACKAGE: the version that a download would bring.
private_apt_candidate() {
  private_apt cache policy "$1" | sed -n 's/^ *Candidate: //p'
}
