# debian.sh
#	  Bash functions for a Debian in a folder: made by debootstrap, entered by
#	  chroot, with what it mounts seen by nobody else.
#
#	  A script sources throwaway.sh and this file, and calls debian_enter "$@",
#	  which runs the same script again as root, in a mount namespace; there it
#	  returns at once. Folders worth keeping are kept in $cache.

# throwaway.sh sets what is used here and not set
# shellcheck disable=SC2154

# HEALTHLAKE_CACHE names another
cache=${HEALTHLAKE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/healthlake-test}

# Becomes root, and enters a mount namespace: what is mounted into the folders
# is seen by nobody else, and goes away with this script.
debian_enter()
{
	local -a again=(env HEALTHLAKE_IN_NAMESPACE=1 HEALTHLAKE_CACHE="$cache"
		bash "$throwaway_script" "$@")
	[ -z "${HEALTHLAKE_IN_NAMESPACE-}" ] || return 0
	if [ "$(id -u)" != 0 ]; then
		command -v sudo >/dev/null || die "this needs root, or sudo"
		[ -t 0 ] || exec sudo -n "${again[@]:0:3}" bash "$throwaway_script" "$@"
		exec sudo "${again[@]:0:3}" bash "$throwaway_script" "$@"
	fi
	if unshare --mount true 2>/dev/null; then
		exec unshare --mount "${again[@]}"
	fi
	exec "${again[@]}"
}

# Makes the folder of a Debian, with nothing in it but what every Debian has.
debian_make()
{
	local suite=$1 folder=$2
	bash "$throwaway_root/test/setup" debootstrap debian-archive-keyring || return
	rm -rf --one-file-system "$folder"
	mkdir -p "$cache"
	debootstrap --variant=minbase "${suite/experimental/sid}" "$folder" \
		"$(debian_mirror)" >"$cache/$suite.log" 2>&1 ||
		{ tail -n 20 "$cache/$suite.log"; return 1; }
	[ "$suite" != experimental ] || debian_add_experimental "$folder"
}

# Has a folder of sid take the packages of PostgreSQL from experimental.
debian_add_experimental()
{
	echo "deb $(debian_mirror) experimental main" \
		>"$1/etc/apt/sources.list.d/experimental.list"
	printf '%s\n' 'Package: postgresql-*19* libpq*' \
		'Pin: release a=experimental' 'Pin-Priority: 500' \
		>"$1/etc/apt/preferences.d/experimental"
}

# The Debian mirror that this machine's apt uses, else Debian's own.
debian_mirror()
{
	apt-get indextargets --format '$(ORIGIN) $(LABEL) $(REPO_URI)' 2>/dev/null |
		sed -nE 's/^Debian Debian ([a-z]+:.*)/\1/p' | sed -n 1p |
		grep . || echo http://deb.debian.org/debian
}

# The machine's way to the network: names, proxies, what apt makes of dates.
debian_copy_settings()
{
	cp -L /etc/resolv.conf "$1/etc/resolv.conf" 2>/dev/null || true
	[ -e "$1/etc/hosts" ] || echo "127.0.0.1 localhost" >"$1/etc/hosts"
	apt-config dump 2>/dev/null |
		grep -E '^Acquire::(https?::|Retries|Check-(Date|Valid-Until) )' \
			>"$1/etc/apt/apt.conf.d/90healthlake-test" || true
}

# What programs expect to find mounted.
debian_mount()
{
	mountpoint -q "$1/proc" || mount -t proc proc "$1/proc" || return
	mountpoint -q "$1/dev/shm" || mount -t tmpfs -o mode=1777 shm "$1/dev/shm"
}

# The sources, in a folder that only root can read, and the published cases.
debian_copy_sources()
{
	local cases=${HEALTHLAKE_CASES-$throwaway_root/../shared/cases}
	local model=${HEALTHLAKE_MODEL-$throwaway_root/../shared/reference}
	rm -rf "$1"/srv/{healthlake,shared} "$1"/tmp/healthlake-* || return
	install -d -m 700 "$1"/srv/{healthlake,shared} || return
	tar -C "$throwaway_root" --exclude=./.git --exclude=node_modules -cf - . |
		tar -C "$1/srv/healthlake" --no-same-owner -xf - || return
	[ ! -d "$cases" ] || cp -R "$cases" "$1/srv/shared/cases"
	[ -f "$model" ] || model=$model/healthlake-model.json
	[ ! -f "$model" ] || install -D "$model" \
		"$1/srv/shared/reference/healthlake-model.json"
}

# Runs a command in the folder, as root and with a clean environment.
debian_inside()
{
	local folder=$1 name
	local -a given=()
	shift
	for name in http_proxy https_proxy no_proxy CI HEALTHLAKE_TEST_LIMIT \
		HEALTHLAKE_TEST_JOBS; do
		[ -z "${!name-}" ] || given+=("$name=${!name}")
	done
	chroot "$folder" env -i HOME=/root TERM="${TERM:-dumb}" LC_ALL=C.UTF-8 \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		"${given[@]}" "$@"
}
