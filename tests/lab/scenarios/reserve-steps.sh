# SPDX-License-Identifier: BSD-3-Clause
# description: a user is killed after each single step: everything is put back, by the watcher, the next user and reserve restore
# set: core 7.x
# dmsim: queues=6 nrules=8
# timeout: 400

# A step that is added to the library fails the checks of these numbers; once they are changed, it is tested.
steps=28
beside_steps=28
restore_steps=9
beside_restore_steps=8

# two queues, a flow spread over both, a flow to one of them
all="-q 2 -s $NIC 5000 5001"

# From this start, a reservation has to change everything that it can, and so has to put all of it back.
ethtool -K $NIC ntuple off
[ "$LAB_KERNEL" = 6.12 ] || check "a threshold" hds $NIC 64
snapshot default
users

# --- the steps themselves
# shellcheck disable=SC2086 # $all are words
reserve -l $all >/tmp/steps
mapfile -t name < <(echo; cut -d' ' -f2 /tmp/steps)
equal "steps of set-up, two flows and tear-down" "$(wc -l </tmp/steps)" $steps
note "${name[*]}"
watched=$(awk '$2 == "watcher" { print $1 }' /tmp/steps)
# shellcheck disable=SC2086
equal "without a watcher it's one less" "$(reserve -n -l $all | wc -l)" $((steps - 1))
unchanged default "nobody was killed: the NIC is as it was"

# without_watcher K: the name of step K where there is no watcher
without_watcher()
{
	[ "$1" -lt "$watched" ] && echo "${name[$1]}" || echo "${name[$1 + 1]}"
}

# expect_answer WHAT COMMAND...: fails unless the answer is $want; prints nothing otherwise
expect_answer()
{
	local what=$1

	shift
	user "$@"
	[ "$ANSWER" = "$want" ] && return
	fail "$what"
	note "$*: got \"$ANSWER\", want \"$want\""
}

killed()
{
	want="status 137" expect_answer "step $1: killed" run -k "$@"
}

settled()
{
	want=settled expect_answer "$2: nothing left" settled "$1"
}

# --- the watcher
for ((k = 1; k <= steps; k++)); do
	what="step $k (${name[k]}), the watcher"
	# shellcheck disable=SC2086
	killed $k $all
	# before there is a watcher, nothing is changed
	if [ $k -lt "$watched" ]; then
		unchanged default "$what: nothing is changed before there is a watcher"
		want="status 0" expect_answer "$what" run -r $NIC
	fi
	settled 0 "$what"
	unchanged default "$what"
done

# --- the next user
check "a table of the administrator's own" ethtool -X $NIC weight 1 1 2 2 3 3
snapshot own
for ((k = 1; k < steps; k++)); do
	what="step $k ($(without_watcher $k)), the next user"
	# shellcheck disable=SC2086
	killed $k -n $all
	want="status 0" expect_answer "$what" run -n -q 1 $NIC
	settled 0 "$what"
	unchanged own "$what"
done

# --- reserve restore
for ((k = 1; k < steps; k++)); do
	what="step $k ($(without_watcher $k)), reserve restore"
	# shellcheck disable=SC2086
	killed $k -n $all
	check "$what: status" devmemctl reserve restore $NIC
	settled 0 "$what"
	unchanged own "$what"
done

# --- killed while putting back
set_up=$(awk '$2 == "unlock" && ++n == 3 { print $1 - 1 }' /tmp/steps)
# restored_in_steps SNAPSHOT OWNERS STEPS: a user dies with all set up; the process that restores dies after each of STEPS
restored_in_steps()
{
	local k what

	for ((k = 1; k <= $3; k++)); do
		what="step $k of putting back, $2 others"
		# shellcheck disable=SC2086
		killed "$set_up" -n $all
		killed $k -r $NIC
		want="status 0" expect_answer "$what" run -r $NIC
		settled "$2" "$what"
		unchanged "$1" "$what"
	done
	# shellcheck disable=SC2086
	killed "$set_up" -n $all
	reserve -r -l $NIC >/tmp/restore-steps 2>/dev/null
	equal "steps of putting back, $2 others" "$(grep -c '^[0-9]' /tmp/restore-steps)" "$3"
	note "$(grep '^[0-9]' /tmp/restore-steps | cut -d' ' -f2 | tr '\n' ' ')"
}
restored_in_steps own 0 $restore_steps

# --- beside another user that lives
user start living -h -Q 3 $NIC 6000
equal "another user lives" "$ANSWER" "ready 1 3"
snapshot living
# shellcheck disable=SC2086
reserve -l $all >/tmp/beside
mapfile -t name < <(echo; cut -d' ' -f2 /tmp/beside)
equal "steps beside another" "$(wc -l </tmp/beside)" $beside_steps
note "${name[*]}"
for ((k = 1; k <= beside_steps; k++)); do
	what="step $k (${name[k]}), beside another"
	# shellcheck disable=SC2086
	killed $k $all
	[ $k -ge "$watched" ] || want="status 0" expect_answer "$what" run -r $NIC
	settled 1 "$what"
	unchanged living "$what"
done
set_up=$(awk '$2 == "unlock" && ++n == 3 { print $1 - 1 }' /tmp/beside)
restored_in_steps living 1 $beside_restore_steps
user leave living
equal "the other one leaves" "$ANSWER" "status 0"
settled 0 "then"
unchanged own "then the NIC is as it was"

# --- a default table is the kernel's default again, not just an equal one
ethtool -X $NIC default
# shellcheck disable=SC2086
killed "$set_up" $all
settled 0 "the default table"
ethtool -L $NIC combined 2
ethtool -x $NIC >/tmp/rss
check "it follows the number of channels" awk '$1 == "0:" { exit !($2 == 0 && $3 == 1 && $4 == 0 && $5 == 1) }' /tmp/rss
