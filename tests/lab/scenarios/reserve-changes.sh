# SPDX-License-Identifier: BSD-3-Clause
# description: somebody else changes the NIC while it is reserved: that change stays, all else comes back, and a message says so
# set: core 7.x
# timeout: 400

# the messages of watchers
socat -u UNIX-RECV:/dev/log,mode=666 OPEN:/tmp/syslog,creat,append &
echo $! >$LAB_RUN/jobs/syslog
wait_for 10 test -S /dev/log
users
said=$OUT/users.err
bus=$(readlink -f /sys/class/net/$NIC/device)
bus=${bus##*/}
journal=/run/devmem/${bus//:/_}-$(tr -d : </sys/class/net/$NIC/address).journal

# reserved ARG...: starts a user of reservations
reserved()
{
	: >"$said"
	: >/tmp/syslog
	user start one -h "$@"
	[[ $ANSWER == ready* ]] || fail "reserve $*: $ANSWER"
}

# answers WHAT WANT COMMAND...: fails unless the answer is WANT; prints nothing otherwise
answers()
{
	local what=$1 want=$2

	shift 2
	user "$@"
	[ "$ANSWER" = "$want" ] && return
	fail "$what: $*: $ANSWER"
	show "$said"
}

# leaves WHAT [TEXT]: the user leaves and prints a message with TEXT; without TEXT, no message
leaves()
{
	answers "$1: leaves" "status 0" leave one
	answers "$1: nothing left" settled settled 0
	if [ $# -eq 1 ]; then
		equal "$1: no message" "$(cat "$said")" ""
		return
	fi
	contains "$1: message" "$said" "$2"
}

# dies WHAT TEXT: the user is killed, and its watcher logs a message with TEXT
dies()
{
	answers "$1: dies" "status 137" kill one
	answers "$1: nothing left" settled settled 0
	wait_text /tmp/syslog "ended the reservation"
	contains "$1: said" /tmp/syslog "$2"
}

# like CMD...: takes the snapshot "want" after CMD
like()
{
	"$@" >/dev/null
	snapshot want
}

# the places of the rules
rules()
{
	ethtool -n $NIC | sed -n 's/^Filter: //p' | tr '\n' ' '
}

snapshot start

# --- RSS table
like ethtool -X $NIC equal 2
ethtool -X $NIC default
unchanged start "the start again"
reserved -Q 3 $NIC 5001
ethtool -X $NIC equal 2
leaves "RSS table" "$NIC: somebody changed the RSS table after us: it is left alone"
unchanged want "RSS table: the change stays"
ethtool -X $NIC default
reserved -Q 3 $NIC 5001
ethtool -X $NIC equal 2
dies "RSS table, watcher" "$NIC: somebody changed the RSS table after us: it is left alone"
unchanged want "RSS table, watcher: the change stays"
ethtool -X $NIC default
# a second user after the change: its queues are kept out of the new table, and that table is put back at the end
like ethtool -X $NIC weight 1 2 0 1
ethtool -X $NIC default
reserved -Q 3 $NIC 5001
ethtool -X $NIC weight 1 2 0 1
answers "RSS table, second user" "ready 2 1" start two -h -Q 1 $NIC 5002
contains "RSS table, second user: message" "$said" "somebody changed the RSS table meanwhile: that is what will be put back at the end"
check "RSS table, second user: off both" awk '/^ *[0-9]+:/ { for (i = 2; i <= NF; i++) if ($i != 0 && $i != 2) exit 1 }' <(ethtool -x $NIC)
answers "RSS table, second user" "status 0" leave two
: >"$said"
leaves "RSS table, both gone"
unchanged want "RSS table, both gone: the changed one is back"
ethtool -X $NIC default

# --- header split
ethtool -G $NIC tcp-data-split on
snapshot on
reserved $NIC 5001
ethtool -G $NIC tcp-data-split off
leaves "header split" "$NIC: somebody changed header split after us: it is left alone"
unchanged start "header split: the change stays"
reserved $NIC 5001
ethtool -G $NIC tcp-data-split off
leaves "header split as it was before"
unchanged start "header split as it was before: stays"
if [ "$LAB_KERNEL" != 6.12 ]; then
	like hds $NIC 128
	hds $NIC 64
	reserved $NIC 5001
	hds $NIC 128
	equal "threshold: 128" "$(hds $NIC)" 128
	dies "threshold" "$NIC: somebody changed hds-thresh after us: it is left alone"
	unchanged want "threshold: the change stays"
	hds $NIC 0
	unchanged start "the start again"
fi

# --- rules
reserved $NIC 5001 5002
place=$(rules | cut -d' ' -f1)
ethtool -N $NIC delete "$place"
leaves "rule deleted" "$NIC: flow rule $place is gone already"
unchanged start "rule deleted: nothing left"
ethtool -K $NIC ntuple off
snapshot off
reserved $NIC 5001 5002
place=$(rules | cut -d' ' -f1)
ethtool -N $NIC flow-type tcp4 dst-port 7 action 1 loc "$place"
leaves "rule replaced" "$NIC: somebody put another flow rule at place $place after us: it is left alone"
contains "rule replaced: rules stay on, message" "$said" "$NIC: ntuple stays on: somebody has added flow rules, which would be lost"
equal "rule replaced: the new one is left" "$(rules)" "$place "
ethtool -N $NIC delete "$place"
unchanged start "rule replaced: and that is all"
ethtool -K $NIC ntuple off
reserved $NIC 5001
ethtool -N $NIC flow-type tcp4 dst-port 7 action 1 loc 9
dies "rule added" "$NIC: ntuple stays on: somebody has added flow rules, which would be lost"
equal "rule added: it alone is left" "$(rules)" "9 "
ethtool -N $NIC delete 9
unchanged start "rule added: and that is all"
reserved $NIC 5001
place=$(rules | cut -d' ' -f1)
ethtool -K $NIC ntuple off
leaves "rules off" "$NIC: flow rule $place is gone already"
unchanged off "rules off: stay off"
ethtool -K $NIC ntuple on

# --- RSS contexts
reserved -q 2 -s $NIC 5001
ethtool -X $NIC context 1 weight 0 1 0 1
leaves "context changed" "$NIC: somebody changed RSS context 1 after us: it is left alone"
check "context changed: it is still there" awk '/^ *[0-9]+:/ { for (i = 2; i <= NF; i++) if ($i != 1 && $i != 3) exit 1; n++ } END { exit !n }' <(ethtool -x $NIC context 1)
check "context changed: by hand" ethtool -X $NIC context 1 delete
unchanged start "context changed: and that is all"
reserved -q 2 -s $NIC 5001
place=$(rules | cut -d' ' -f1)
ethtool -N $NIC delete "$place"
check "the context can be deleted when no rule needs it" ethtool -X $NIC context 1 delete
dies "context deleted" "$NIC: RSS context 1 is gone already"
unchanged start "context deleted: nothing left"

# --- channels
ethtool -L $NIC combined 2
reserved -Q 1 $NIC 5001
check "more channels" ethtool -L $NIC combined 4
leaves "more channels"
unchanged start "more channels: as if there had been no reservation"
like ethtool -L $NIC combined 3
ethtool -L $NIC combined 4
reserved -Q 3 $NIC
check "fewer channels" ethtool -L $NIC combined 3
leaves "fewer channels"
unchanged want "fewer channels: as if there had been no reservation"
ethtool -L $NIC combined 4
ethtool -X $NIC weight 1 1 0 2
reserved -Q 3 $NIC
ethtool -L $NIC combined 3
leaves "fewer channels than the table had" "$NIC: the RSS table from before names queues that are gone: the present one is left alone"
check "fewer channels than the table had: none that are gone" awk '/^ *[0-9]+:/ { for (i = 2; i <= NF; i++) if ($i > 1) exit 1; n++ } END { exit !n }' <(ethtool -x $NIC)
ethtool -L $NIC combined 4
ethtool -X $NIC default
unchanged start "fewer channels: and that is all"

# --- name
# named FROM TO
named()
{
	ip link set "$1" down && ip link set "$1" name "$2" && ip link set "$2" up
}
reserved $NIC 5001
check "renamed" named $NIC nic9
devmemctl reserve show nic9 -j >/tmp/show
check "renamed: found by its new name" jq -e 'length == 1 and .[0].state == "alive"' /tmp/show
dies "renamed" "nic9: ended the reservation of a dead owner"
named nic9 $NIC
ip addr add $NIC6/64 dev $NIC nodad
unchanged start "renamed: everything is back"

# --- network namespace
ip netns add other
# moved FROM TO: "" for this one
moved()
{
	if [ -n "$1" ]; then
		ip netns exec "$1" ip link set $NIC netns 1
	else
		ip link set $NIC netns "$2"
	fi
}
back()
{
	ip link set $NIC mtu "$LAB_MTU" up && ip addr add $NIC4/24 dev $NIC && ip addr add $NIC6/64 dev $NIC nodad
}
reserved $NIC 5001
pid=$(devmemctl reserve show -j | jq '.[0].pid')
moved "" other
answers "moved: dies" "status 137" kill one
text="$NIC is not in this network namespace (any more): what pid $pid (reserve), reservation 1 has set there stays until devmemctl reserve restore is run where it is"
wait_text /tmp/syslog "network namespace"
contains "moved: the watcher's message" /tmp/syslog "$text"
devmemctl reserve show -j >/tmp/show
check "moved: shown as dead" jq -e 'length == 1 and .[0].state == "dead"' /tmp/show
devmemctl reserve restore 2>/tmp/restore.err
equal "moved: restoring here does nothing" "$?" 0
contains "moved: and says why" /tmp/restore.err "$text"
check "moved: the journal stays" test -e "$journal"
ip netns exec other devmemctl reserve restore 2>/tmp/restore.err
equal "moved: restored there" $? 0
contains "moved: message" /tmp/restore.err "$NIC: ended the reservation of a dead owner: pid $pid (reserve), reservation 1"
answers "moved: nothing left" settled settled 0
moved other
back
unchanged start "moved: everything is back"
reserved $NIC 5001
moved "" other
answers "moved: leaves" "status 1" leave one
contains "moved: and the message says why" "$said" "the interface is in another network namespace"
moved other
back
equal "moved: restored when it is back" "$(devmemctl -j reserve restore 2>/dev/null)" '{"restored":1}'
unchanged start "moved: everything is back"
reserved $NIC 5001
moved "" other
moved other
back
dies "moved and back" "$NIC: ended the reservation of a dead owner"
unchanged start "moved and back: everything is back"

# --- the driver is unloaded
reload()
{
	rmmod dmsim && modprobe dmsim && nic_up
}
reserved -q 2 -s $NIC 5001
rmmod dmsim
leaves "driver gone" "$NIC is gone: nothing to put back"
modprobe dmsim
nic_up
unchanged start "driver gone: and back"
reserved -q 2 -s $NIC 5001
rmmod dmsim
dies "driver gone, watcher" "$NIC is gone: nothing to put back"
modprobe dmsim
nic_up
reserved -q 2 -s $NIC 5001
reload
leaves "driver loaded anew" "$NIC: flow rule 0 is gone already"
unchanged start "driver loaded anew: the NIC has its defaults"
reserved -q 2 -s $NIC 5001
reload
dies "driver loaded anew, watcher" "$NIC: ended the reservation of a dead owner"
unchanged start "driver loaded anew, watcher: the NIC has its defaults"

# --- a journal from before a boot
reserved -n -q 2 -s $NIC 5001
answers "stale" "status 137" kill one
cp "$journal" /tmp/journal
snapshot left
check "a journal of another boot" journal "$journal" boot
devmemctl reserve show -j >/tmp/show
check "stale: shown" jq -e 'length == 1 and .[0].state == "stale"' /tmp/show
devmemctl reserve restore $NIC 2>/tmp/restore.err
equal "stale: restoring is fine" $? 0
contains "stale: message" /tmp/restore.err "the journal is from before the last boot, which has put everything back: removed"
answers "stale: removed" settled settled 0
unchanged left "stale: nothing was put back, a boot has done that"
# the same, found by the next user
cp /tmp/journal "$journal"
journal "$journal" boot
: >"$said"
ethtool -N $NIC flow-type tcp4 dst-port 9 action 0 >/dev/null
answers "stale, next user" "status 0" run -n -Q 1 $NIC 5009
contains "stale, next user: message" "$said" "the journal is from before the last boot"
answers "stale, next user: removed" settled settled 0
# by hand
reload
unchanged start "the start again"

# --- a damaged journal
reserved -n $NIC 5001
answers "damaged" "status 137" kill one
snapshot left
cp "$journal" /tmp/journal
sed -i 's/queue/kueue/; t; s/[0-9]/x/' "$journal"
cp "$journal" /tmp/damaged
check "damaged: it is" test "$(sha256 /tmp/journal)" != "$(sha256 /tmp/damaged)"
expect_err 2 "$journal: line 1 is damaged" devmemctl reserve restore $NIC
expect_err 2 "$journal: line 1 is damaged" devmemctl reserve show
expect_err 2 "$journal: line 1 is damaged" devmemctl recv $NIC --listen $NIC4:5000 --region udmabuf --size 4M --once
unchanged left "damaged: nothing is touched"
check "damaged: the journal, too" cmp "$journal" /tmp/damaged
cp /tmp/journal "$journal"
check "whole again" devmemctl reserve restore $NIC
unchanged start "whole again: everything is back"
reserved $NIC 5001
head -c 100 "$journal" >/tmp/damaged
cp "$journal" /tmp/journal
cp /tmp/damaged "$journal"
answers "damaged while the user lives" "status 1" leave one
contains "damaged while the user lives: message" "$said" "the journal says what to put back on the interface"
contains "damaged while the user lives: and what that means" "$said" "not put back: every flow rule and RSS context of reservation 1, header split (was off)"
cp /tmp/journal "$journal"
check "whole again, the user is dead" devmemctl reserve restore $NIC
answers "whole again: nothing left" settled settled 0
unchanged start "whole again: everything is back, once more"

# --- the journal was removed: only the user still has what was there before
reserved -n $NIC 5001
cp "$journal" /tmp/journal
rm "$journal"
answers "journal removed" "status 1" leave one
contains "journal removed: message" "$said" "somebody removed its journal"
contains "journal removed: and what that means" "$said" "not put back: every flow rule and RSS context of reservation 1, header split (was off)"
cp /tmp/journal "$journal"
check "the journal again" devmemctl reserve restore $NIC
answers "the journal again: nothing left" settled settled 0
unchanged start "the journal again: everything is back"
