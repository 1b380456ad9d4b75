#!/usr/bin/env bash
# A PostgreSQL cluster for tests: on 127.0.0.1 only, without passwords, as durable as a real one (fsync on).
#
#   cluster.sh start DIR [PORT]   makes the cluster in DIR if it is not there, starts it, prints its URL
#   cluster.sh stop DIR           stops it in order
#   cluster.sh kill DIR           stops it at once, as a loss of power would; `start` brings it back on the same port
set -euo pipefail

die() {
    echo "cluster.sh: $*" >&2
    exit 1
}

# The folder of the newest PostgreSQL's programs.
programs() {
    local newest
    newest=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
    if [ -n "$newest" ]; then
        echo "$newest"
    elif command -v pg_config >/dev/null; then
        pg_config --bindir
    elif command -v pg_ctl >/dev/null; then
        dirname "$(command -v pg_ctl)"
    else
        die "PostgreSQL is missing; install it (Debian: apt-get install postgresql)"
    fi
}

# PostgreSQL refuses to run as root.
as_owner() {
    if [ "$(id -u)" = 0 ]; then
        runuser -u postgres -- "$@"
    else
        "$@"
    fi
}

free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 12000))
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            echo "$port"
            return
        fi
    done
}

make() { # PORT
    mkdir -p "$dir"
    if [ "$(id -u)" = 0 ]; then
        chown postgres "$dir"
        # The way to it may be closed to others (mktemp -d), so its owner gets the last step at least.
        chmod 700 "$dir"
    fi
    as_owner "$bin/initdb" --pgdata="$dir/data" --username=postgres --auth=trust --encoding=UTF8 --no-locale \
        >"$dir.initdb.log" 2>&1 || die "initdb failed: $(cat "$dir.initdb.log")"
    rm -f "$dir.initdb.log"
    as_owner tee -a "$dir/data/postgresql.conf" >/dev/null <<CONF
listen_addresses = '127.0.0.1'
port = $1
unix_socket_directories = ''
max_connections = 200
CONF
}

start() {
    [ -e "$dir/data/PG_VERSION" ] || make "${port:-$(free_port)}"
    if ! as_owner "$bin/pg_ctl" status --pgdata="$dir/data" >/dev/null; then
        as_owner "$bin/pg_ctl" start --pgdata="$dir/data" --log="$dir/log" --wait --timeout=60 >/dev/null ||
            die "it does not start: $(tail -n 5 "$dir/log")"
    fi
    echo "postgres://postgres@127.0.0.1:$(sed -n 's/^port = //p' "$dir/data/postgresql.conf" | tail -n 1)/postgres"
}

stop() { # MODE
    as_owner "$bin/pg_ctl" stop --pgdata="$dir/data" --mode="$1" >/dev/null
}

# SIGKILL for the postmaster and each of its children: nothing is written any more.
kill_all() {
    local postmaster
    postmaster=$(head -n 1 "$dir/data/postmaster.pid")
    # shellcheck disable=SC2046 # one argument for each child
    kill -9 "$postmaster" $(pgrep -P "$postmaster") 2>/dev/null || true
    while kill -0 "$postmaster" 2>/dev/null; do sleep 0.02; done
}

[ $# -ge 2 ] || die "usage: cluster.sh start DIR [PORT] | stop DIR | kill DIR"
bin=$(programs)
dir=$(realpath -m "$2")
port=${3:-}
case $1 in
    start) start ;;
    stop) stop fast ;;
    kill) kill_all ;;
    *) die "no such command: $1" ;;
esac
