# shellcheck shell=bash disable=SC2154,SC2034 # root comes from whoever sources this, and target goes to it
# Sourced by ./run and ./test: finds what the build needs and this machine lacks, and installs it.
# Expects $root, the folder of the checkout. Sets $target, the folder that cargo builds into.

# Says a sentence in the user's language, chosen as the program chooses it (crates/pumasi/src/language.rs).
say() {
  local first
  for first in "${PUMASI_LANG:-}" "${LC_ALL:-}" "${LC_MESSAGES:-}" "${LANG:-}"; do
    [ -n "$first" ] && break
  done
  case "$first" in
    ko*) printf '%s\n' "$2" >&2 ;;
    *) printf '%s\n' "$1" >&2 ;;
  esac
}

die() {
  say "$1" "$2"
  exit 1
}

have() {
  command -v "$1" >/dev/null 2>&1
}

# A command line that only works outside a login shell's PATH is still there.
find_cargo() {
  : "${HOME:=$(cd ~ && pwd)}"
  export HOME
  have cargo || PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
  have cargo || die "Rust is missing. Install it from https://rustup.rs and run this again." \
    "Rust가 없습니다. https://rustup.rs 에서 설치한 뒤 다시 실행해 주세요."
}

# True if version $1 is at least $2.
at_least() {
  [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

check_rust() {
  local needed found
  needed=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' "$root/Cargo.toml")
  found=$(cd "$root" && rustc --version | cut -d ' ' -f 2)
  at_least "${found%%-*}" "$needed" || die \
    "Rust $found is too old; Pumasi needs $needed or newer. Update it (rustup update stable) and run this again." \
    "Rust ${found}은 오래되었습니다. $needed 이상이 필요합니다. 업데이트(rustup update stable)한 뒤 다시 실행해 주세요."
}

# True if one of the files is there.
any_file() {
  local file
  for file in "$@"; do
    [ -e "$file" ] && return 0
  done
  return 1
}

# The library alone reads no C: its own headers must be there too.
have_libclang() {
  [ -n "${LIBCLANG_PATH:-}" ] && return 0
  any_file /usr/lib/llvm-*/lib/libclang{,-[0-9]*}.so* /usr/lib{,64,/*}/libclang{,-[0-9]*}.so* &&
    any_file /usr/lib/llvm-*/lib/clang/*/include/stddef.h /usr/lib{,64}/clang/*/include/stddef.h
}

# Debian packages that are missing, one a line.
missing_packages() {
  have cc && have c++ || echo g++
  have make || echo make
  have cmake || echo cmake
  have_libclang || echo libclang-dev
}

may_install() {
  [ "$(id -u)" = 0 ] || have sudo
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

apt_install() {
  as_root apt-get update -q && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "$@"
}

install_missing() {
  local list
  list=$(missing_packages | tr '\n' ' ')
  list=${list% }
  [ -z "$list" ] && return 0
  have apt-get || die "Missing: $list (Debian's names). Install them with your system's package manager." \
    "없는 것: $list (데비안 이름입니다). 이 시스템의 패키지 관리자로 설치해 주세요."
  may_install || die "Missing: $list. Install them as root and run this again: apt-get install $list" \
    "없는 것: $list. 관리자 권한으로 설치한 뒤 다시 실행해 주세요: apt-get install $list"
  say "Installing $list: llama.cpp and SQLite are compiled from source, and need a C++ compiler, make, CMake and libclang." \
    "$list 설치: llama.cpp와 SQLite를 소스에서 컴파일하므로 C++ 컴파일러, make, CMake, libclang이 필요합니다."
  # shellcheck disable=SC2086 # the list is words
  apt_install $list >&2 </dev/null || die "That did not work. Install them yourself and run this again: sudo apt-get install $list" \
    "설치하지 못했습니다. 직접 설치한 뒤 다시 실행해 주세요: sudo apt-get install $list"
}

# Cargo decides by variables and settings where it builds; it is asked rather than guessed.
find_target() {
  # What the user named is meant from where the user stands, and cargo runs elsewhere.
  if [ -n "${CARGO_TARGET_DIR:-}" ]; then
    case "$CARGO_TARGET_DIR" in /*) ;; *) CARGO_TARGET_DIR="$PWD/$CARGO_TARGET_DIR" ;; esac
    export CARGO_TARGET_DIR
  fi
  target=$(cd "$root" && cargo metadata --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
}

set_up() {
  find_cargo
  check_rust
  install_missing
  find_target
}
