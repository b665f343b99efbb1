# Certificates of our own, for scenarios with TLS; sourced after lib.sh.
# shellcheck shell=bash

# The kind of key: what openssl req -newkey takes.
NEWKEY=(ec -pkeyopt ec_paramgen_curve:P-256)

# make_ca NAME: $T/NAME.crt and $T/NAME.key.
make_ca() {
    openssl req -x509 -newkey "${NEWKEY[@]}" -nodes -days 2 -subj "/CN=$1" \
        -keyout "$T/$1.key" -out "$T/$1.crt" 2>"$T/openssl.log" || fail "openssl: $(cat "$T/openssl.log")"
}

# make_cert CA NAME SUBJECT_ALT_NAMES [DAYS [FROM]]: $T/NAME.crt and $T/NAME.key, signed by CA; with
# DAYS below 0 it has expired, with FROM above 0 it is not valid yet.
make_cert() {
    local ca=$1 name=$2 names=$3 days=${4:-2} from
    openssl req -newkey "${NEWKEY[@]}" -nodes -subj "/CN=$name" \
        -keyout "$T/$name.key" -out "$T/$name.csr" 2>"$T/openssl.log" ||
        fail "openssl: $(cat "$T/openssl.log")"
    from=$(date -u -d "${5:--9} days" +%Y%m%d000000Z)
    printf 'subjectAltName=%s\n' "$names" >"$T/$name.ext"
    : >"$T/$ca.db"
    rm -f "$T/$ca.db.attr"
    cat >"$T/$ca.cnf" <<CNF
[ca]
default_ca = ferry
[ferry]
database = $T/$ca.db
new_certs_dir = $T
rand_serial = yes
default_md = sha256
policy = any
[any]
commonName = supplied
CNF
    openssl ca -batch -notext -config "$T/$ca.cnf" -cert "$T/$ca.crt" -keyfile "$T/$ca.key" \
        -startdate "$from" -enddate "$(date -u -d "$days days" +%Y%m%d000000Z)" \
        -extfile "$T/$name.ext" -in "$T/$name.csr" -out "$T/$name.crt" 2>"$T/openssl.log" ||
        fail "openssl: $(cat "$T/openssl.log")"
}

# start_nginx NAME UPSTREAM CERT [DIRECTIVES]: nginx with TLS on a port of 127.0.0.1, with $T/CERT.crt,
# in front of UPSTREAM (host:port). Sets NAME to localhost:port; its access log is $T/NAME.access.
start_nginx() {
    local name=$1 upstream=$2 cert=$3 more=${4:-} port folder=$T/$1.nginx try
    mkdir -p "$folder"
    for try in 1 2 3 4 5; do # another program may be faster to take the port
        port=$(dead_port)
        cat >"$folder/nginx.conf" <<CONF
daemon off;
master_process off;
pid $folder/pid;
error_log $folder/error.log info;
events { worker_connections 256; }
http {
    log_format ferry '\$request_method \$request_uri status=\$status auth="\$http_authorization"';
    access_log $T/$name.access ferry;
    client_body_temp_path $folder/body;
    proxy_temp_path $folder/proxy;
    fastcgi_temp_path $folder/fastcgi;
    uwsgi_temp_path $folder/uwsgi;
    scgi_temp_path $folder/scgi;
    client_max_body_size 0;
    proxy_request_buffering off;
    server {
        listen 127.0.0.1:$port ssl;
        ssl_certificate $T/$cert.crt;
        ssl_certificate_key $T/$cert.key;
        proxy_http_version 1.1;
        proxy_set_header Host \$http_host;
        proxy_set_header X-Forwarded-Proto https;
        $more
        location / { proxy_pass http://$upstream; }
    }
}
CONF
        rm -f "$folder/pid" # of an earlier one of that name; it is written once the port is ours
        # It ends by itself even when the scenario is killed outright.
        timeout 600 nginx -p "$folder" -c "$folder/nginx.conf" -e "$folder/error.log" &
        SERVERS+=($!)
        for _ in $(seq 100); do
            if [ -s "$folder/pid" ] && curl -sk -o /dev/null "https://127.0.0.1:$port/v2/"; then
                printf -v "$name" '%s' "localhost:$port"
                return
            fi
            kill -0 "${SERVERS[-1]}" 2>/dev/null || break
            sleep 0.05
        done
    done
    fail "nginx did not come up ($try tries): $(tail -n 3 "$folder/error.log")"
}
