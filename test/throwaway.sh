# throwaway.sh
#	  Bash functions for a PostgreSQL server that lives in a temporary folder
#	  and goes with it: a copy of Debian's server tree with the extension
#	  installed into it, a cluster behind a socket in a folder of mode 0700,
#	  and the emulator. No cluster, no configuration and no installed copy of
#	  the extension on the machine is touched, and nothing listens but the
#	  emulator, on the loopback addresses.
#
#	  A script sources this file and calls throwaway_enter "$@". That installs
#	  what is missing, copies the sources into the temporary folder, and runs
#	  the same script again from the copy, as a user without privileges and
#	  with an environment of its own; there throwaway_enter returns at once.
#	  When the inner script has ended, in whatever way, every process that
#	  works in the folder is ended and the folder is removed.
#
#	  What the caller may set: PG_CONFIG or HEALTHLAKE_PG_VERSION (which
#	  server, default: the newest installed), HEALTHLAKE_CASES and
#	  HEALTHLAKE_MODEL (published cases and service model, default: those of
#	  ../shared, where it exists), HEALTHLAKE_NO_SETUP=1 (install nothing).

throwaway_script=$(readlink -f "$0")
throwaway_path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
throwaway_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)

# Says something about the work, apart from what the work itself prints.
say()
{
	printf '== %s\n' "$*"
}

# Says what went wrong and ends the script.
die()
{
	printf '%s: %s\n' "${throwaway_script##*/}" "$*" >&2
	exit 1
}

# The major version of the server to build for; empty where none is installed.
throwaway_version()
{
	local folder
	if [ -n "${HEALTHLAKE_PG_VERSION-}" ]; then
		echo "$HEALTHLAKE_PG_VERSION"
	elif [ -n "${PG_CONFIG-}" ]; then
		"$PG_CONFIG" --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/'
	else
		for folder in $(printf '%s\n' /usr/lib/postgresql/*/bin/postgres |
			sort -rV); do
			[ -x "$folder" ] || continue
			basename "${folder%/bin/postgres}"
			return
		done
	fi
}

# ---------------------------------------------------------------- outside ---

# Sets everything up and runs this script inside; returns only in there.
throwaway_enter()
{
	[ -z "${HEALTHLAKE_INSIDE-}" ] || return 0
	trap throwaway_leave EXIT
	trap 'throwaway_interrupt 129' HUP
	trap 'throwaway_interrupt 130' INT
	trap 'throwaway_interrupt 143' TERM
	throwaway_need_proc
	[ -n "${HEALTHLAKE_NO_SETUP-}" ] || bash "$throwaway_root/test/setup"
	throwaway_choose_runner
	throwaway_make_folder
	throwaway_copy_sources
	throwaway_choose_cache
	throwaway_run_inside "$@"
	exit "$throwaway_status"
}

# In a bare chroot /proc is not mounted, but bash, the sanitizers and the search
# for processes need it: mounts it until the script ends.
throwaway_need_proc()
{
	[ ! -e /proc/self/stat ] || return 0
	say "mounting /proc for the time of this run"
	throwaway_root_does mount -t proc proc /proc ||
		die "there is no /proc, and it cannot be mounted"
	throwaway_mounted=1
}

# Becomes root for one command; asks for a password only where someone is there.
throwaway_root_does()
{
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif [ -t 0 ]; then
		sudo "$@"
	else
		sudo -n "$@"
	fi
}

# PostgreSQL refuses to run as root: as root, everything but the set-up is
# done by the user "nobody", who owns nothing.
throwaway_choose_runner()
{
	throwaway_as=()
	throwaway_owner=$(id -u):$(id -g)
	if [ "$(id -u)" = 0 ]; then
		throwaway_owner=$(id -u nobody):$(id -g nobody)
		throwaway_as=(setpriv --reuid="${throwaway_owner%:*}"
			--regid="${throwaway_owner#*:}" --clear-groups --inh-caps=-all
			--no-new-privs)
	fi
}

# Makes the temporary folder where that user can work and run programs.
throwaway_make_folder()
{
	local base
	for base in "${TMPDIR:-/tmp}" /tmp /var/tmp; do
		# a socket's path must be shorter than 108 bytes
		[ ${#base} -le 60 ] && [ -d "$base" ] && [ -w "$base" ] || continue
		throwaway_folder=$(mktemp -d "$base/healthlake-XXXXXX") || continue
		printf '#!/bin/sh\n' >"$throwaway_folder/program"
		chmod 755 "$throwaway_folder/program"
		chown -R "$throwaway_owner" "$throwaway_folder"
		if (cd / && "${throwaway_as[@]}" "$throwaway_folder/program") \
			2>/dev/null &&
			[ "$(df -Pk "$throwaway_folder" | awk 'END { print $4 }')" \
				-gt 700000 ]; then
			rm "$throwaway_folder/program"
			return
		fi
		rm -rf "$throwaway_folder"
		throwaway_folder=
	done
	die "no folder for temporary files with 700 MB where programs may run" \
		"(TMPDIR names another)"
}

# Copies the sources, less what was built from them, and the published cases:
# the clone may be read-only, another user's, or hold another version's objects.
throwaway_copy_sources()
{
	local beside=$throwaway_root/../shared
	local cases=${HEALTHLAKE_CASES-$beside/cases}
	local model=${HEALTHLAKE_MODEL-$beside/reference/healthlake-model.json}
	mkdir -p "$throwaway_folder"/{source,home,log,scratch,socket,tmp}
	tar -C "$throwaway_root" --exclude=./.git --exclude='*.o' --exclude='*.so' \
		--exclude='*.bc' --exclude=node_modules --exclude=__pycache__ \
		--exclude=./test/unit/build --exclude=./results -cf - . |
		tar -C "$throwaway_folder/source" --no-same-owner -xf -
	find "$throwaway_folder/source/test/unit" -maxdepth 1 -type f \
		! -name '*.*' -delete
	throwaway_given=()
	if [ -d "$cases" ]; then
		cp -R "$cases" "$throwaway_folder/cases"
		throwaway_given+=("HEALTHLAKE_CASES=$throwaway_folder/cases")
	fi
	if [ -f "$model" ]; then
		cp "$model" "$throwaway_folder/model.json"
		throwaway_given+=("HEALTHLAKE_MODEL=$throwaway_folder/model.json")
	fi
	[ ! -e "${HEALTHLAKE_COVERAGE_SUM-}" ] ||
		cp "$HEALTHLAKE_COVERAGE_SUM" "$throwaway_folder/coverage.json"
	chmod -R u+rwX,go-rwx "$throwaway_folder"
	chown -R "$throwaway_owner" "$throwaway_folder"
}

# Where ccache keeps compiled objects between runs, and test/proof/guards what it
# has proved, in folders of the user who runs the tests. HEALTHLAKE_CACHE names
# another folder for both.
throwaway_choose_cache()
{
	local base=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/healthlake-test
	[ "$(id -u)" != 0 ] || base=/var/cache/healthlake-test
	local folder=${HEALTHLAKE_CACHE:-$base}/objects
	local proved=${HEALTHLAKE_CACHE:-$base}/guards
	install -d "$proved" 2>/dev/null && chown "$throwaway_owner" "$proved" &&
		throwaway_given+=(HEALTHLAKE_PROVED="$proved")
	[ -d /usr/lib/ccache ] || return 0
	install -d "$folder" 2>/dev/null || return 0
	chown "$throwaway_owner" "$folder"
	"${throwaway_as[@]}" test -w "$folder" || return 0
	# the temporary folder's name is no part of what an object is made of
	throwaway_given+=(CCACHE_DIR="$folder" CCACHE_MAXSIZE=500M
		CCACHE_BASEDIR="$throwaway_folder" CCACHE_NOHASHDIR=1
		CCACHE_TEMPDIR="$throwaway_folder/tmp")
	throwaway_path=/usr/lib/ccache:$throwaway_path
}

# Runs the script's copy with a clean environment: none of the caller's
# credentials, proxies or PostgreSQL settings, and nothing that leads outside.
throwaway_run_inside()
{
	local script=$throwaway_folder/source/${throwaway_script#"$throwaway_root"/}
	local -a inside=("${throwaway_as[@]}" env -i
		PATH="$throwaway_path" HOME="$throwaway_folder/home" TMPDIR="$throwaway_folder/tmp"
		LC_ALL=C.UTF-8 TERM="${TERM:-dumb}" CI="${CI-}"
		HEALTHLAKE_INSIDE="$throwaway_folder"
		HEALTHLAKE_PG_VERSION="$(throwaway_version)"
		HEALTHLAKE_TEST_JOBS="${HEALTHLAKE_TEST_JOBS-}"
		HEALTHLAKE_TEST_LIMIT="${HEALTHLAKE_TEST_LIMIT-}"
		HEALTHLAKE_TEST_LONG="${HEALTHLAKE_TEST_LONG-}"
		HEALTHLAKE_TEST_ENCODING="${HEALTHLAKE_TEST_ENCODING-}"
		HEALTHLAKE_COVERAGE="${HEALTHLAKE_COVERAGE-}"
		HEALTHLAKE_COVERAGE_TOLD="${HEALTHLAKE_COVERAGE_TOLD-}"
		HEALTHLAKE_SANITIZE="${HEALTHLAKE_SANITIZE-}"
		HEALTHLAKE_VALGRIND="${HEALTHLAKE_VALGRIND-}"
		AWS_EC2_METADATA_DISABLED=true
		AWS_CONFIG_FILE="$throwaway_folder/home/none"
		AWS_SHARED_CREDENTIALS_FILE="$throwaway_folder/home/none"
		"no_proxy=*" "NO_PROXY=*" "${throwaway_given[@]}"
		bash "$script" "$@")

	cd "$throwaway_folder/source" || exit
	throwaway_status=0
	if [ -n "${throwaway_in_foreground-}" ]; then
		trap : INT # there, Ctrl-C is for psql
		"${inside[@]}" || throwaway_status=$?
	else
		set -m # a process group of its own, to be ended as a whole
		"${inside[@]}" </dev/null &
		throwaway_inner=$!
		set +m
		wait "$throwaway_inner" || throwaway_status=$?
		throwaway_inner=
	fi
	cd /
}

# On Ctrl-C and other signals: asks the inner script to end, then leaves.
throwaway_interrupt()
{
	trap '' HUP INT TERM
	if [ -n "${throwaway_inner-}" ]; then
		kill -TERM -- "-$throwaway_inner" 2>/dev/null || true
		for _ in $(seq 100); do
			kill -0 "$throwaway_inner" 2>/dev/null || break
			sleep 0.1
		done
		kill -KILL -- "-$throwaway_inner" 2>/dev/null || true
	fi
	exit "$1"
}

# Takes everything away again, whatever the reason for leaving.
throwaway_leave()
{
	local status=$?
	trap '' HUP INT TERM
	cd /
	[ ! -d "${throwaway_folder-}" ] || throwaway_remove_folder
	[ -z "${throwaway_mounted-}" ] || throwaway_root_does umount -l /proc
	return "$status"
}

# Ends what still runs in the folder, keeps the logs of a failure, and removes
# the rest.
throwaway_remove_folder()
{
	throwaway_end_strays "$throwaway_folder"
	if [ -e "$throwaway_folder/log/keep" ]; then
		rm -f "$throwaway_folder/log/keep"
		mv -n "$throwaway_folder/log" "$(throwaway_logs)"
	fi
	[ -z "${HEALTHLAKE_COVERAGE_SUM-}" ] ||
		[ ! -e "$throwaway_folder/coverage.json" ] ||
		cp "$throwaway_folder/coverage.json" "$HEALTHLAKE_COVERAGE_SUM"
	rm -rf "$throwaway_folder"
}

# Where the logs are kept, beside the folder.
throwaway_logs()
{
	local folder=${HEALTHLAKE_INSIDE:-$throwaway_folder}
	echo "${folder%/*}/healthlake-logs-${folder##*-}"
}

# Prints the pids of processes that were started by what runs in a folder: it
# is their working directory, or their HEALTHLAKE_WORK or HEALTHLAKE_INSIDE.
throwaway_strays()
{
	local pid
	{
		find /proc -maxdepth 2 -path '/proc/[0-9]*/cwd' \
			\( -lname "$1" -o -lname "$1/*" \) -printf '%h\n' || true
		grep -lzE "^HEALTHLAKE_(WORK|INSIDE)=$1(/|\$)" \
			/proc/[0-9]*/environ || true
	} 2>/dev/null | sed -E 's,^/proc/([0-9]+).*,\1,' | sort -un |
		while read -r pid; do
			[ "$pid" = "$$" ] || [ ! -d "/proc/$pid" ] || echo "$pid"
		done
}

# Ends them, by their ids: first kindly, after two seconds for good.
throwaway_end_strays()
{
	local pid try
	for try in TERM - - - - - - - - - KILL -; do
		local -a strays=()
		mapfile -t strays < <(throwaway_strays "$1")
		[ ${#strays[@]} -gt 0 ] || return 0
		for pid in "${strays[@]}"; do
			[ "$try" = - ] || kill "-$try" "$pid" 2>/dev/null || true
		done
		sleep 0.2
	done
}

# ----------------------------------------------------------------- inside ---

# Copies Debian's server into the folder: PostgreSQL finds its files from where
# its programs lie, so the copy is a server of its own. Sets PG_CONFIG.
throwaway_copy_server()
{
	local version=$HEALTHLAKE_PG_VERSION tree=$HEALTHLAKE_INSIDE/tree
	mkdir -p "$tree/usr/lib/postgresql" "$tree/usr/share/postgresql"
	cp -R "/usr/lib/postgresql/$version" "$tree/usr/lib/postgresql/"
	cp -R "/usr/share/postgresql/$version" "$tree/usr/share/postgresql/"
	ln -s /usr/include "$tree/usr/include"
	# pgTAP is made of SQL alone: where this version has none yet, another's does
	[ -e "$tree/usr/share/postgresql/$version/extension/pgtap.control" ] ||
		cp "$(printf '%s\n' /usr/share/postgresql/*/extension/pgtap.control |
			sort -V | tail -n 1 | sed 's/\.control$//')"* \
			"$tree/usr/share/postgresql/$version/extension/" || true
	# an installed copy of the extension is not what is to be tested
	rm -f "$tree/usr/lib/postgresql/$version/lib/healthlake.so" \
		"$tree/usr/share/postgresql/$version/extension/healthlake"[.-]*
	export HEALTHLAKE_BINDIR=$tree/usr/lib/postgresql/$version/bin
	export PG_CONFIG=$HEALTHLAKE_BINDIR/pg_config
	export PATH=$HEALTHLAKE_BINDIR:$PATH
}

# Builds the extension and installs it into the copied tree.
throwaway_build()
{
	local own=/usr/lib/postgresql/$HEALTHLAKE_PG_VERSION/bin/pg_config
	if [ -n "${HEALTHLAKE_COVERAGE-}" ]; then
		# gcov's notes lie beside the objects, which no cache gives back
		export CCACHE_DISABLE=1
		export COPT="-O0 --coverage" PG_LDFLAGS=-Wl,-u,__gcov_dump
		export HEALTHLAKE_PRELOAD=$HEALTHLAKE_INSIDE/coverage.so
		gcc -shared -fPIC -o "$HEALTHLAKE_PRELOAD" test/coverage.c -ldl
	elif [ -n "${HEALTHLAKE_SANITIZE-}" ]; then
		export COPT="-fsanitize=$HEALTHLAKE_SANITIZE -fno-sanitize-recover=all"
	fi
	# whoever asks how it ended has switched errexit off
	make -s -j "$(nproc)" PG_CONFIG="$own" "$@" &&
		make -s install PG_CONFIG="$own" DESTDIR="$HEALTHLAKE_INSIDE/tree" \
			"$@" || return
	[[ ${HEALTHLAKE_SANITIZE-} != *address* ]] || throwaway_watch_addresses
	[ -z "${HEALTHLAKE_VALGRIND-}" ] || throwaway_watch_memory
}

# Has each server of the copied tree started by a script in the place of
# bin/postgres, whose lines are the arguments; the program is in $plain.
throwaway_wrap_server()
{
	[ -e "$HEALTHLAKE_BINDIR/postgres.plain" ] ||
		mv "$HEALTHLAKE_BINDIR/postgres" "$HEALTHLAKE_BINDIR/postgres.plain"
	printf '%s\n' '#!/bin/sh' "plain=$HEALTHLAKE_BINDIR/postgres.plain" "$@" \
		>"$HEALTHLAKE_BINDIR/postgres"
	chmod 755 "$HEALTHLAKE_BINDIR/postgres"
}

# Has them started with the sanitizer's library in front. Its malloc must
# be set up before a constructor of any other library runs: libgpg-error's binds
# a text domain, whose lock would be taken before and released after that, by
# what are two threads for glibc, and the server would hang at its next use.
# Frames of the stack are several times as large, and what is freed stays for a
# while: less of it, for the tests that measure memory.
throwaway_watch_addresses()
{
	local first=$HEALTHLAKE_INSIDE/tree/sanitize_first.so library
	library=$(gcc -print-file-name=libasan.so)
	gcc -shared -fPIC -Wl,-z,initfirst -o "$first" test/sanitize_first.c
	throwaway_wrap_server \
		"export LD_PRELOAD=$library:$first\${LD_PRELOAD:+:\$LD_PRELOAD}" \
		'export ASAN_OPTIONS=detect_leaks=0:abort_on_error=1:disable_coredump=1:quarantine_size_mb=32' \
		'case $1 in -D) exec "$plain" "$@" -c max_stack_depth=7MB ;; esac' \
		'exec "$plain" "$@"'
}

# Has them started under valgrind, whose reports go into the named folder.
throwaway_watch_memory()
{
	throwaway_wrap_server \
		'case $* in *-V* | *--version* | *-C*) exec "$plain" "$@" ;; esac' \
		"exec valgrind -q --log-file=$HEALTHLAKE_VALGRIND/%p --num-callers=40 \\" \
		'	--fullpath-after=/source/ --error-limit=no "$plain" "$@"'
}

# Makes a cluster in the folder and starts it, with the arguments as further
# lines of its postgresql.conf; sets PGHOST and the like.
throwaway_start_server()
{
	local data=$HEALTHLAKE_INSIDE/cluster
	export PGHOST=$HEALTHLAKE_INSIDE/socket PGPORT=5432
	export PGUSER=postgres PGDATABASE=postgres
	export HEALTHLAKE_SERVER_LOG=$HEALTHLAKE_INSIDE/log/server.log
	local encoding=${HEALTHLAKE_TEST_ENCODING:-UTF8} locale=C
	[ "$encoding" != UTF8 ] || locale=C.UTF-8
	export PGCLIENTENCODING=UTF8 # that of the tests
	"$HEALTHLAKE_BINDIR/initdb" -D "$data" -U postgres --auth=trust \
		-E "$encoding" --locale=$locale --no-sync >"$HEALTHLAKE_INSIDE/log/initdb.log" 2>&1 ||
		die "initdb failed: $(cat "$HEALTHLAKE_INSIDE/log/initdb.log")"
	cat >>"$data/postgresql.conf" <<-CONFIGURATION
		listen_addresses = ''
		unix_socket_directories = '$PGHOST'
		unix_socket_permissions = 0700
		fsync = off
		synchronous_commit = off
		full_page_writes = off
		max_wal_size = 128MB
		shared_buffers = 32MB
		max_connections = 60
		max_prepared_transactions = 10
		log_line_prefix = '%m [%p] %q%u@%d '
		timezone = 'UTC'
		$(printf '%s\n' "$@")
	CONFIGURATION
	LD_PRELOAD=${HEALTHLAKE_PRELOAD-} "$HEALTHLAKE_BINDIR/pg_ctl" -D "$data" \
		-w -t 60 -s -l "$HEALTHLAKE_SERVER_LOG" start ||
		die "the server did not start: $(cat "$HEALTHLAKE_SERVER_LOG")"
}

# Stops it at once: nothing in it is of value.
throwaway_stop_server()
{
	local data=${HEALTHLAKE_INSIDE:?}/cluster
	[ ! -f "$data/postmaster.pid" ] ||
		"$HEALTHLAKE_BINDIR/pg_ctl" -D "$data" -w -s -m immediate stop || true
}

# Starts the emulator and waits until it says its addresses, which it exports.
throwaway_start_emulator()
{
	local directory=$HEALTHLAKE_INSIDE/emulator log=$HEALTHLAKE_INSIDE/log
	local ready=$directory/ready.json
	mkdir -p "$directory"
	: >"$ready"
	set -m # out of reach of a terminal's Ctrl-C
	/usr/bin/python3 test/emulator/emulator.py --port 0 --tls-port 0 \
		--directory "$directory" >"$ready" 2>>"$log/emulator.log" </dev/null &
	throwaway_emulator=$!
	set +m
	for _ in $(seq 300); do
		[ ! -s "$ready" ] || break
		kill -0 "$throwaway_emulator" 2>/dev/null || break
		sleep 0.1
	done
	local -a told=()
	mapfile -t told < <(/usr/bin/python3 -c '
import json, sys
ready = json.loads(open(sys.argv[1]).readline())
print(ready["http"], ready["https"], ready["ca"], sep="\n")
' "$ready" 2>/dev/null)
	if [ ${#told[@]} != 3 ]; then
		cat "$log/emulator.log" >&2
		die "the emulator did not start"
	fi
	export HEALTHLAKE_EMULATOR=${told[0]} HEALTHLAKE_EMULATOR_TLS=${told[1]}
	export HEALTHLAKE_EMULATOR_CA=${told[2]}
}

# Ends the emulator.
throwaway_stop_emulator()
{
	[ -n "${throwaway_emulator-}" ] || return 0
	kill "$throwaway_emulator" 2>/dev/null || true
	wait "$throwaway_emulator" 2>/dev/null || true
	throwaway_emulator=
}
