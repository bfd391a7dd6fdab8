# What a shell inside begins with: what the image's own login does, then the helpers and the prompt.
[ -r /etc/profile ] && . /etc/profile
[ -r ~/.profile ] && . ~/.profile
[ -n "$BASH_VERSION" ] && [ -r ~/.bashrc ] && . ~/.bashrc
PATH=$PATH:/run/patchbed-shell
PS1="[$PATCHBED_SHELL] \$PWD # "
