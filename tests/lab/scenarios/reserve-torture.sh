# SPDX-License-Identifier: BSD-3-Clause
# description: random users for a minute and a half: they start, receive, leave and die, and watchers die; then the NIC is as at the start
# set: full
# dmsim: queues=6 nrules=16
# timeout: 240

# "append: torture.seed=N" in this header tries another
seed=$(sed -n 's/.*torture\.seed=\([0-9]*\).*/\1/p' /proc/cmdline)
seed=${seed:-4711}
seconds=90
trap '[ ! -s $LAB_RUN/results ] || ! grep -q fail $LAB_RUN/results || note "the seed was $seed"; scenario_end' EXIT

# the messages of watchers
socat -u UNIX-RECV:/dev/log,mode=666 OPEN:"$OUT/syslog",creat,append &
echo $! >$LAB_RUN/jobs/syslog
wait_for 10 test -S /dev/log

ethtool -K $NIC ntuple off
[ "$LAB_KERNEL" = 6.12 ] || check "a threshold" hds $NIC 64
ethtool -X $NIC weight 1 1 1 2 2 1
snapshot start

spawn torture torture $NIC "$seed" $seconds
finish torture $((seconds + 60))
equal "nothing happened that must not" $? 0
grep -v '^refused: \|^unwatched: \|^notice: ' "$OUT/torture.err" >/tmp/wrong
show /tmp/wrong
while read -r what n; do
	case $what in
	# may be 0, by chance
	unwatched | no_stream) note "$what: $n" ;;
	*) check "$what: $n" test "$n" -gt 0 ;;
	esac
done <"$OUT/torture.out"

# refusals are about queues, and nobody else changed anything
grep '^refused: ' "$OUT/torture.err" | grep -v 'asked for, \|would be left for other packets' >/tmp/wrong
grep '^unwatched: ' "$OUT/torture.err" | grep -v "the watcher said '' instead of 'ready'" >>/tmp/wrong
equal "users are refused for want of queues, or of a watcher that was killed" "$(cat /tmp/wrong)" ""
cat "$OUT/torture.err" "$OUT/syslog" | grep -i 'somebody\|error\|could not\|not put back\|damaged' >/tmp/wrong
equal "no message says that somebody changed anything, or that something failed" "$(cat /tmp/wrong)" ""

devmemctl reserve restore 2>"$OUT/restore.err"
equal "reserve restore" $? 0
users
user settled 0
equal "no journal, no lock, no watcher" "$ANSWER" settled
equal "the directory is empty" "$(ls -A /run/devmem)" ""
unchanged start "the NIC is as it was"
for context in 3 4 5 6 7; do
	check_not "no RSS context $context" ethtool -x $NIC context $context
done
equal "no queue is bound" "$(devmemctl queue show $NIC -j | jq '[.[] | select(.binding != null)] | length')" 0
stream after $NIC4:5000 1M --region udmabuf:huge=no --size 4M
unchanged start "and it can be used again"
