#!/bin/sh
# Installs Hearth for whoever runs this: no root is needed, and nothing outside of the home folder is touched.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
data=${XDG_DATA_HOME:-$HOME/.local/share}
place=$HOME/.local/opt/hearth

refuse() {
    echo "$1" >&2
    exit 1
}

# An Exec line quotes twice: once as a word of a command, once as a value of the file.
exec_word() {
    printf '%s' "$1" | sed 's/[\\"`$]/\\&/g; s/\\/\\\\/g; s/%/%%/g'
}

copy_program() {
    if [ -e "$place" ] && { [ ! -x "$place/hearth" ] || [ ! -d "$place/_internal" ]; }; then
        refuse "$place is there, but is no Hearth. Move it elsewhere, and run this again."
    fi
    new=$place.new
    rm -rf "$new"
    mkdir -p "$new"
    cp -R "$here/hearth" "$here/_internal" "$here/share" "$here/install.sh" "$here/uninstall.sh" "$here/README.txt" "$new/"
    if [ -d "$place/hearth-data" ]; then
        mv "$place/hearth-data" "$new/" # of somebody who started it with --portable
    fi
    if [ -e "$place" ]; then
        rm -rf "$place.old"
        mv "$place" "$place.old"
    fi
    mv "$new" "$place"
    rm -rf "$place.old"
}

copy_desktop_files() {
    word=$(exec_word "$place/hearth")
    value=$(printf '%s' "$place/hearth" | sed 's/\\/\\\\/g')
    (cd "$place/share" && find . -type f) | while IFS= read -r file; do
        mkdir -p "$data/$(dirname "$file")"
        case $file in
            *.desktop)
                while IFS= read -r line; do
                    case $line in
                        Exec=*) printf 'Exec="%s" --window %%F\n' "$word" ;;
                        TryExec=*) printf 'TryExec=%s\n' "$value" ;;
                        *) printf '%s\n' "$line" ;;
                    esac
                done < "$place/share/$file" > "$data/$file"
                ;;
            *) cp "$place/share/$file" "$data/$file" ;;
        esac
    done
    if command -v update-desktop-database > /dev/null; then update-desktop-database "$data/applications" || :; fi
    if command -v update-mime-database > /dev/null; then update-mime-database "$data/mime" || :; fi
    touch "$data/icons/hicolor" # a cache of icons that is older is not used
}

link_program() {
    link=$HOME/.local/bin/hearth
    mkdir -p "$HOME/.local/bin"
    if [ -e "$link" ] && [ ! -L "$link" ]; then
        echo "$link is there and no link, so it stays; Hearth is $place/hearth."
        return
    fi
    ln -sfn "$place/hearth" "$link"
    case :$PATH: in
        *:"$HOME/.local/bin":*) ;;
        *) echo "Put $HOME/.local/bin on the PATH for the command \`hearth\`, or call $place/hearth." ;;
    esac
}

say_what_is_missing() {
    if ! "$place/hearth" --version > /dev/null 2>&1; then
        refuse "Hearth is in $place, but does not start here. README.txt names the libraries that it needs."
    fi
    missing=$(find "$place/_internal" -name libqxcb.so -exec ldd {} + 2> /dev/null |
        sed -n 's/^[[:space:]]*\(.*\) => not found$/\1/p' | sort -u | tr '\n' ' ')
    if [ -n "$missing" ]; then
        echo "The window needs libraries that are missing here: $missing"
        echo "README.txt says how to install them. The command line works without."
    fi
}

main() {
    if [ "$(id -u)" -eq 0 ]; then
        refuse "This installs Hearth for one person, so run it as that person, not as root. For all there is the .deb package."
    fi
    if [ "$here" != "$place" ]; then copy_program; fi
    copy_desktop_files
    link_program
    say_what_is_missing
    echo "Hearth is installed. To remove it: $place/uninstall.sh"
}

main
exit
