#!/bin/sh
# Removes what install.sh has installed for whoever runs this. Models, settings and conversations stay.
set -eu

data=${XDG_DATA_HOME:-$HOME/.local/share}
place=$HOME/.local/opt/hearth

remove_desktop_files() {
    (cd "$place/share" && find . -type f) | while IFS= read -r file; do rm -f "$data/$file"; done
    if command -v update-desktop-database > /dev/null; then update-desktop-database "$data/applications" || :; fi
    if command -v update-mime-database > /dev/null; then update-mime-database "$data/mime" || :; fi
    (cd "$place/share" && find . -depth -type d ! -name .) | while IFS= read -r folder; do
        rmdir "$data/$folder" 2> /dev/null || : # what others have put there keeps it
    done
}

main() {
    if [ "$(id -u)" -eq 0 ]; then
        echo "This removes the Hearth of one person, so run it as that person, not as root." >&2
        exit 1
    fi
    if [ ! -x "$place/hearth" ] || [ ! -d "$place/share" ]; then
        echo "Hearth is not installed in $place." >&2
        exit 1
    fi
    remove_desktop_files
    if [ "$(readlink "$HOME/.local/bin/hearth" || :)" = "$place/hearth" ]; then rm "$HOME/.local/bin/hearth"; fi
    rm -rf "$place/_internal" "$place/share"
    rm -f "$place/hearth" "$place/install.sh" "$place/uninstall.sh" "$place/README.txt"
    rmdir "$place" 2> /dev/null || :
    if [ -d "$place/hearth-data" ]; then kept=$place/hearth-data; else kept=$data/hearth; fi
    echo "Hearth is removed. Models, settings and conversations stay in $kept."
}

main
exit
