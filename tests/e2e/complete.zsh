# SPDX-License-Identifier: Apache-2.0
# complete.zsh FILE LINE: loads a completion function and prints what it offers for a line, one word
# a line. The completion runs in a shell of its own on a pseudo terminal; compadd is replaced by one
# that writes the matches to a file.
zmodload zsh/zpty
typeset -g list=$PWD/.matches
: >$list
cat >.zshrc-test <<SETUP
PROMPT= RPROMPT=
fpath=(${1:h} \$fpath)
autoload -Uz compinit && compinit -u -D
compadd() {
    local -a found
    builtin compadd -O found "\$@"
    print -rl -- \$found >>$list
    builtin compadd "\$@"
}
finish() { zle .kill-whole-line; print done >$list.done }
zle -N finish
bindkey '^I' complete-word
bindkey '^X' finish
print ready >$list.ready
SETUP
zpty shell zsh -f -i
zpty -w shell "cd $PWD; source ./.zshrc-test"
for i in {1..100}; [[ -e $list.ready ]] || sleep 0.1
zpty -n -w shell "$2"$'\t\C-x'
for i in {1..50}; [[ -e $list.done ]] || sleep 0.1
zpty -d shell
sort -u $list
rm -f $list $list.ready $list.done .zshrc-test
