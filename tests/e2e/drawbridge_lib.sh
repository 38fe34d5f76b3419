# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# A Drawbridge and its OpenID provider for tests. Sourced after lib.sh, with DRAWBRIDGE, OIDC (the
# provider's script) and OIDC_PACKAGES set by Meson.
#
# Stores are the directory "store"; with S3_DOUBLE (its script) set, a bucket of that instead:
#   start_store                       $store_options, for drawbridge and for fsck and collect
#   need curl openssl …               skips the whole test without them
#   start_provider                    $issuer
#   start_drawbridge OPTIONS…         $url, $port, $pid
#   token SUBJECT "SCOPES" [QUERY]    prints an access token
#   ask STATUS "name" METHOD PATH CURL-ARGUMENTS…    one test; the body is in `answer`, head in `headers`
#   put STATUS "name" PATH TYPE FILE CURL-ARGUMENTS… the same for a PUT with digests

need() {
    for program; do
        command -v "$program" >/dev/null || {
            echo "1..0 # SKIP there is no $program"
            exit 0
        }
    done
}

pid='' provider='' storage='' audience=drawbridge
export AWS_SECRET_ACCESS_KEY=testsecret
# shellcheck disable=SC2317 # called by trap
end_all() {
    [ -z "$pid" ] || kill "$pid" 2>/dev/null
    [ -z "$provider" ] || kill "$provider" 2>/dev/null
    [ -z "$storage" ] || kill "$storage" 2>/dev/null
    rm -rf "$work"
}
trap end_all EXIT

wait_for() { # words file
    for _ in $(seq 600); do
        grep -q "$1" "$2" && return 0
        sleep 0.1
    done
    return 1
}

start_provider() {
    reason=$("${OIDC%/*}/../npm/install" "$OIDC_PACKAGES" "${OIDC%/*}") || {
        echo "1..0 # SKIP $reason"
        exit 0
    }
    node "$OIDC" "$OIDC_PACKAGES" 0 "$audience" >provider.out 2>provider.err &
    provider=$!
    wait_for http provider.out || {
        echo "Bail out! the OpenID provider does not start: $(head -n 3 provider.err)"
        exit 1
    }
    issuer=$(head -n 1 provider.out)
}

start_store() {
    store_options="--store store"
    [ -n "${S3_DOUBLE:-}" ] || return 0
    python3 "$S3_DOUBLE" >storage.out 2>storage.err &
    storage=$!
    wait_for '[0-9]' storage.out || {
        echo "Bail out! the object storage does not start: $(head -n 3 storage.err)"
        exit 1
    }
    store_options="--store s3://test/shell --s3-endpoint http://127.0.0.1:$(cat storage.out) --s3-key-id testkey --scratch scratch"
}

start_drawbridge() {
    : >listening
    "$DRAWBRIDGE" --addr 127.0.0.1:0 --oidc-issuer "$issuer" --oidc-audience "$audience" "$@" \
        >listening 2>log &
    pid=$!
    wait_for listening listening || {
        echo "Bail out! drawbridge does not start: $(head -n 3 log)"
        exit 1
    }
    port=$(sed -n 's/listening on port //p' listening)
    url=${scheme:-http}://127.0.0.1:$port
    wait_ready
}

wait_ready() {
    for _ in $(seq 600); do
        [ "$(curl -sk -o /dev/null -w '%{http_code}' "$url/readyz")" = 200 ] && return 0
        sleep 0.1
    done
}

stop_drawbridge() {
    kill -TERM "$pid"
    wait "$pid"
    status=$?
    pid=''
}

token() {
    curl -sG "$issuer/mint" --data-urlencode "sub=$1" --data-urlencode "scope=$2" -d "${3:-x=y}"
}

ask() {
    wanted=$1 name=$2 method=$3 path=$4
    shift 4
    if [ "$method" = HEAD ]; then set -- -I "$@"; else set -- -X "$method" "$@"; fi
    status=$(curl -sk -o answer -D headers -w '%{http_code}' "$@" "$url$path" 2>"$err")
    cp headers "$out"
    [ "$status" = "$wanted" ]
    result $? "$name"
    [ "$status" = "$wanted" ] || sed 's/^/# answer: /' answer | head -n 5
}

b64() { openssl dgst -binary "-$1" "$2" | openssl base64 -A; }

digests() {
    printf 'sha-224=:%s:,sha-256=:%s:,sha-384=:%s:,sha-512=:%s:' "$(b64 sha224 "$1")" \
        "$(b64 sha256 "$1")" "$(b64 sha384 "$1")" "$(b64 sha512 "$1")"
}

put() {
    put_wanted=$1 put_name=$2 put_path=$3 put_type=$4 put_file=$5
    shift 5
    ask "$put_wanted" "$put_name" PUT "$put_path" -H "Content-Type: $put_type" \
        -H "Content-Digest: $(digests "$put_file")" --data-binary "@$put_file" "$@"
}

# entry TYPE FILE: its metadata.
entry() {
    printf '{"digest":{"sha-224":"%s","sha-256":"%s","sha-384":"%s","sha-512":"%s"},"length":%s,"type":"%s"}' \
        "$(b64 sha224 "$2")" "$(b64 sha256 "$2")" "$(b64 sha384 "$2")" "$(b64 sha512 "$2")" \
        "$(wc -c <"$2" | tr -d ' ')" "$1"
}

has() { grep -qF -- "$1" answer; result $? "$2"; }
head_has() { grep -qiF -- "$1" headers; result $? "$2"; }
is() { [ "$(cat answer)" = "$1" ]; result $? "$2"; }

t_entry=application/vnd.drawbridge.entry.v1+json
t_directory=application/vnd.drawbridge.directory.v1+json
api=/api/v0.1.0
all="manage:drawbridge_users manage:drawbridge_repositories manage:drawbridge_tags"
