#!/usr/bin/env bash
# A real S3 backend for the tests: Ceph's radosgw with one monitor and one in-memory OSD, all on 127.0.0.1, nothing kept.
#
#   radosgw.sh install                     apt-get installs what is missing (root on Debian or Ubuntu)
#   radosgw.sh run DIR RGW_PORT MON_PORT   starts it (about a second), prints "ready", stays until its stdin is closed
#
# Staying on stdin means that nothing is left behind however the tests end: the pipe closes with the process that holds it.
set -eu

ACCESS_KEY=BROWNOUTTESTACCESS00
SECRET_KEY=brownout-test-secret-key-0000000000000000

missing() {
  local tool
  for tool in radosgw radosgw-admin ceph ceph-mon ceph-osd monmaptool; do
    command -v "$tool" >/dev/null || echo "$tool"
  done
}

install() {
  [ -z "$(missing)" ] && return 0
  command -v apt-get >/dev/null || { echo "radosgw is missing and there is no apt-get to install it with" >&2; return 1; }
  [ "$(id -u)" = 0 ] || { echo "radosgw is missing and installing it takes root: apt-get install radosgw ceph-mon ceph-osd ceph-common" >&2; return 1; }
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq >&2
  apt-get install -y -qq --no-install-recommends radosgw ceph-mon ceph-osd ceph-common >&2
}

write_config() {
  cat > "$CEPH_CONF" <<EOC
[global]
fsid = $FSID
mon host = $MON_ADDRESSES
auth cluster required = none
auth service required = none
auth client required = none
public network = 127.0.0.0/8
cluster network = 127.0.0.0/8
ms bind ipv6 = false
admin socket = $DIR/\$name.\$pid.asok
run dir = $DIR
crash dir = $DIR
log file = $DIR/\$name.log
pid file =
debug default = 0
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
mon data avail warn = 1
mon data avail crit = 0
# radosgw makes some fourteen pools at its first start; each waits this long for the monitor, one second by default
paxos propose interval = 0.01
paxos min wait = 0.01
[mon]
mon data = $DIR/mon
[osd]
osd data = $DIR/osd
osd objectstore = memstore
memstore device bytes = 2147483648
osd max object name len = 2048
osd class load list = *
osd class default list = *
[client.rgw.test]
# left alone, radosgw insists on an encrypted monitor connection, which "auth none" cannot give
ms mon client mode = crc
rgw data = $DIR
# without tcp_nodelay every GET waits 40 ms for a delayed acknowledgement
rgw frontends = beast endpoint=127.0.0.1:$RGW_PORT tcp_nodelay=1
rgw thread pool size = 64
rgw dns name = localhost
rgw enable usage log = false
rgw override bucket index max shards = 1
EOC
}

PIDS=()
background() {
  "$@" </dev/null >>"$DIR/output.log" 2>&1 &
  PIDS+=("$!")
}

# SIGKILL: an OSD whose monitor is gone waits for minutes on SIGTERM, and there is nothing to save.
stop() {
  [ ${#PIDS[@]} -gt 0 ] && kill -9 "${PIDS[@]}" 2>/dev/null || true
}

run() {
  DIR=$1 RGW_PORT=$2 MON_PORT=$3
  FSID=$(cat /proc/sys/kernel/random/uuid)
  MON_ADDRESSES="[v2:127.0.0.1:$MON_PORT]"
  export CEPH_CONF=$DIR/ceph.conf
  mkdir -p "$DIR/mon" "$DIR/osd"
  write_config
  trap stop EXIT

  local osd
  osd=$(cat /proc/sys/kernel/random/uuid)
  monmaptool --create --addv test "$MON_ADDRESSES" --fsid "$FSID" "$DIR/monmap" >>"$DIR/output.log"
  ceph-mon --mkfs -i test --monmap "$DIR/monmap" >>"$DIR/output.log" 2>&1
  background ceph-mon -f -i test
  timeout 60 ceph --connect-timeout 30 osd new "$osd" >>"$DIR/output.log"
  ceph-osd -i 0 --mkfs --osd-uuid "$osd" >>"$DIR/output.log" 2>&1
  background ceph-osd -f -i 0
  timeout 60 ceph osd crush add osd.0 1.0 host=loopback root=default >>"$DIR/output.log" 2>&1
  background radosgw -n client.rgw.test -f
  timeout 60 radosgw-admin user create --uid=test --display-name=test --caps="users=*" \
    --access-key="$ACCESS_KEY" --secret-key="$SECRET_KEY" >>"$DIR/output.log" 2>&1

  local try
  for try in $(seq 1 300); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$RGW_PORT") 2>/dev/null; then
      echo "ready $ACCESS_KEY $SECRET_KEY"
      cat >/dev/null
      return 0
    fi
    sleep 0.1
  done
  echo "radosgw did not answer within 30 s; its last words:" >&2
  tail -n 5 "$DIR"/*.log >&2
  return 1
}

case ${1:-} in
  install) install ;;
  run) shift; run "$@" ;;
  *) sed -n '2,7p' "$0" >&2; exit 2 ;;
esac
