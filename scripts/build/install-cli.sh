#!/bin/sh
# Installs the command from a folder that cargo built into, with its manual pages and completions, or removes them.
# usage: PREFIX=… [DESTDIR=…] install-cli.sh FOLDER | --uninstall
set -eu
built=$1
prefix=${PREFIX:-/usr/local}
case $prefix in
/*) ;;
*) echo "install-cli: PREFIX must be an absolute path, not $prefix" >&2 && exit 2 ;;
esac
into=${DESTDIR:-}$prefix
bash=$into/share/bash-completion/completions zsh=$into/share/zsh/site-functions fish=$into/share/fish/vendor_completions.d
man=$into/share/man/man1 licences=$into/share/doc/entrakey-cli
if [ "$built" = --uninstall ]; then
    rm -f "$into/bin/entrakey" "$bash/entrakey" "$zsh/_entrakey" "$fish/entrakey.fish" "$man/entrakey.1" "$man"/entrakey-*.1
    rm -rf "$licences"
    exit
fi
install -d "$into/bin" "$bash" "$zsh" "$fish" "$man" "$licences"
install -m 755 "$built/entrakey" "$into/bin/entrakey"
"$built/entrakey" man --folder "$man"
"$built/entrakey" completions bash >"$bash/entrakey"
"$built/entrakey" completions zsh >"$zsh/_entrakey"
"$built/entrakey" completions fish >"$fish/entrakey.fish"
chmod 644 "$man/entrakey.1" "$man"/entrakey-*.1 "$bash/entrakey" "$zsh/_entrakey" "$fish/entrakey.fish"
install -m 644 LICENSE-MIT LICENSE-APACHE THIRD-PARTY-NOTICES "$licences"
