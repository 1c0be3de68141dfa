# SPDX-License-Identifier: BSD-3-Clause
# description: reservations that are refused: one line that says why and what to do, the right status, and nothing has changed
# set: core 7.x
# dmsim: nrules=4
# timeout: 400

recv="timeout 60 devmemctl recv $NIC --listen $NIC4:5000 --region udmabuf:huge=no --size 1M --once"
run="timeout 60 devmemctl run $NIC --region udmabuf:huge=no --size 1M"
nobody="setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all --bounding-set=-all"

# files DIRECTORY: what it contains
files()
{
	ls -la --time-style=+ "${1:-/run/devmem}" 2>&1 | sed 's/[0-9]* \././'
}

# saves the state of the NIC and of the directory
remember()
{
	snapshot before
	files /run/devmem >/tmp/files.before
}

# refused RC TEXT CMD...: as expect_err; NIC and directory must be as they were at remember
refused()
{
	expect_err "$@"
	unchanged before "and the NIC is as it was"
	files /run/devmem >/tmp/files.now
	check "and the directory, too" cmp /tmp/files.before /tmp/files.now
}

users
user run -n $NIC
equal "the directory is made" "$(stat -c '%a %u' /run/devmem)" "700 0"

# --- queues
remember
# shellcheck disable=SC2086 # commands are words
{
refused 1 "no receive queue 4; it has queues 0 to 3" $recv --queues 4
refused 1 "leave one for everything else" $recv --queues 0-3
refused 1 "it has 4 receive queues, and one must be left" $recv --queue-count 4
refused 1 "no receive queue 4, there are 4, numbered from 0" reserve -Q 4 $NIC
refused 1 "receive queue 1 is given twice" reserve -Q 1,1 $NIC
refused 1 "no receive queue would be left for other packets: there are 4" reserve -Q 0,1,2,3 $NIC
refused 1 "no receive queue would be left for other packets: there are 4" reserve -q 4 $NIC
user start one -h -Q 3 $NIC 5001
pid=$(devmemctl reserve show $NIC -j | jq '.[0].pid')
equal "the owner's pid" "$(cat /proc/"$pid"/comm)" reserve
remember
refused 2 "queue 3: reserved by pid $pid (reserve), reservation 1" $recv --queues 2,3
refused 2 "no receive queue would be left for other packets: there are 4, 1 of them reserved (1 by pid $pid (reserve), reservation 1)" $recv --queue-count 3
# a queue that somebody's rule sends packets to
ethtool -N $NIC flow-type tcp4 dst-port 1 action 2 >/dev/null
remember
refused 2 "sends packets to queue 2 already: choose another queue, or devmemctl flow del $NIC" $recv --queues 2
rule=$(ethtool -N $NIC flow-type tcp4 dst-port 2 action 1 | sed -n 's/.*ID \([0-9]*\).*/\1/p')
remember
refused 2 "2 receive queues are asked for, 1 of 4 free; 3: reserved by pid $pid (reserve), reservation 1; 2: flow rules send packets to it; 1: flow rules" $recv --queue-count 2
ethtool -N $NIC delete "$rule"
user leave one
equal "the owner leaves" "$ANSWER" "status 0"
# a binding that isn't a reservation's
ethtool -G $NIC tcp-data-split on
ethtool -X $NIC equal 1
spawn bound devmemctl bind rx $NIC --queues 3 --region udmabuf:huge=no --size 1M
wait_for 20 test -s "$OUT/bound.out"
remember
refused 2 "queue 3: has binding" $recv --queues 3
signal bound TERM
finish bound
ethtool -X $NIC default
ethtool -G $NIC tcp-data-split off

# --- rules
caught=$(ethtool -N $NIC flow-type tcp4 dst-ip $NIC4 dst-port 5000 action 1 | sed -n 's/.*ID \([0-9]*\).*/\1/p')
remember
refused 2 "rule $caught matches the same packets; delete it first: devmemctl flow del $NIC $caught" $recv --queues 3
ethtool -N $NIC delete "$caught"
for port in 2 3 4; do
	ethtool -N $NIC flow-type tcp4 dst-port $port action 1 >/dev/null
done
equal "the table is full" "$(ethtool -n $NIC | grep -c Filter:)" 4
remember
refused 2 "no room" $recv --queues 3
refused 2 "no room" $run --queues 0,3 --flow $NIC4:5000 --spread -- true
for rule in $(devmemctl flow show $NIC -j | jq '.[].location'); do
	ethtool -N $NIC delete "$rule"
done

# --- not root
chmod 666 /dev/udmabuf
mkdir -m 700 /tmp/own
chown 65534 /tmp/own
rm -rf /run/devmem
remember
refused 3 "root" $nobody $recv --queues 3
mkdir -m 700 /run/devmem
remember
refused 3 "root" $nobody $recv --queues 3
refused 3 "CAP_NET_ADMIN" $nobody $recv --queues 3 --runtime-dir /tmp/own
equal "nothing is left in a directory of one's own" "$(ls -A /tmp/own)" ""

# --- the runtime directory
chmod 777 /run/devmem
remember
refused 3 "its mode is 0777" $recv --queues 3
refused 3 "its mode is 0777" devmemctl reserve restore $NIC
chmod 700 /run/devmem
chown 65534 /run/devmem
remember
refused 3 "belongs to user 65534" $recv --queues 3
chown 0 /run/devmem
rmdir /run/devmem
mkdir -m 700 /tmp/elsewhere
ln -s /tmp/elsewhere /run/devmem
remember
refused 1 "no symbolic link" $recv --queues 3
rm /run/devmem
echo hello >/run/devmem
remember
refused 1 "no symbolic link" $recv --queues 3
rm /run/devmem
remember
refused 3 "/tmp/no/such: mkdir: No such file" $recv --queues 3 --runtime-dir /tmp/no/such
mkdir -m 700 /run/devmem
mount -t tmpfs -o ro,mode=700 tmpfs /run/devmem
remember
refused 2 "--runtime-dir" $recv --queues 3
umount /run/devmem
# a directory that is full: each further inode or page gets it one step further
for room in nr_inodes=1 nr_inodes=2 nr_inodes=3 nr_inodes=4 size=4k; do
	mount -t tmpfs -o mode=700,$room tmpfs /run/devmem
	remember
	refused 2 "must have room for a journal" $recv --queues 3
	umount /run/devmem
done
mount -t tmpfs -o mode=700,nr_inodes=5,size=8k tmpfs /run/devmem
stream enough $NIC4:5000 100K --region udmabuf:huge=no --size 1M
equal "with room enough: nothing is left" "$(ls -A /run/devmem)" ""
umount /run/devmem

# --- the watcher
mv /usr/libexec/devmem-watcher /tmp/devmem-watcher
remember
refused 3 "this is the watcher" $recv --queues 3
ln -s /bin/true /usr/libexec/devmem-watcher
refused 3 "instead of 'ready'" $recv --queues 3
rm /usr/libexec/devmem-watcher
mv /tmp/devmem-watcher /usr/libexec/devmem-watcher

# --- a journal that no user of reservations wrote
bus=$(readlink -f /sys/class/net/$NIC/device)
bus=${bus##*/}
echo garbage >"/run/devmem/${bus//:/_}-$(tr -d : </sys/class/net/$NIC/address).journal"
# the lock file stays as long as a journal does
expect_rc 2 devmemctl reserve restore $NIC
remember
refused 2 "the journal says what to put back on the interface" $recv --queues 3
rm -f /run/devmem/*

# --- drivers
reload()
{
	rmmod dmsim
	modprobe dmsim "$@" && nic_up
	remember
}
reload no_split=1
refused 3 "can't split headers" $recv --queues 3
reload no_ntuple=1
refused 3 "no flow rules (ntuple)" $recv --queues 3
refused 1 "has no flow rules: no flow can be sent to a queue" reserve $NIC
reload no_contexts=1
refused 3 "RSS contexts" $run --queue-count 2 --flow $NIC4:5000 --spread -- true
check "without spreading it works" $run --queue-count 2 --flow $NIC4:5000 -- true
check "and with one queue to spread over" $run --queue-count 1 --flow $NIC4:5000 --spread -- true
unchanged before "and the NIC is as it was"
reload queues=1
refused 3 "only 1 receive queue and one must be left for everything else" $recv
refused 1 "no receive queue would be left for other packets: there are 1, more come with ethtool -L" reserve $NIC
}
