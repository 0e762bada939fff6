# What a terminal of a page has. The package managers are replaced: what they would install or build is here already.
# Everything else is the program of that name.
set -eo pipefail
shopt -s inherit_errexit

server() { PORT="${PORT:-$SERVER_PORT}" node "$REPOSITORY/apps/server/dist/main.js" "$@"; }

plugboard() { server "$@"; }

not_replaced() {
  echo "profile.sh of test-docs does not know: $*" >&2
  return 1
}

npx() {
  case "$*" in
    "-y pnpm@12 start") server ;;
    "-y pnpm@12 build") ;;
    "-y pnpm@12 -s plugboard "*) server "${@:5}" ;;
    "@plugboard/server" | "@plugboard/server "*) server "${@:2}" ;;
    "plugboard" | "plugboard "*) server "${@:2}" ;;
    *) not_replaced npx "$@" ;;
  esac
}

npm() {
  case "$*" in
    "init -y") command npm init -y ;;
    "create plugboard-channel@latest "*) node "$REPOSITORY/packages/create-plugboard-channel/dist/main.js" "${@:3}" ;;
    "install") install_packages $(node -p "const m = require('./package.json'); Object.keys({ ...m.dependencies, ...m.devDependencies }).join(' ')") ;;
    "run build") node_modules/.bin/tsc ;;
    # The tests of the template take long.
    "test") if [ "$SOAK" = true ]; then command npm test; else node_modules/.bin/tsc; fi ;;
    "install "*) install_packages "${@:2}" ;;
    *) not_replaced npm "$@" ;;
  esac
}

# Links packages of this repository, so that a snippet finds what the page installs, and nothing else.
install_packages() {
  local package
  for package in "$@"; do
    test -e "$REPOSITORY/packages/test-docs/node_modules/$package" || not_replaced npm install "$package"
    mkdir -p "node_modules/$(dirname "$package")"
    ln -sfn "$REPOSITORY/packages/test-docs/node_modules/$package" "node_modules/$package"
  done
  ln -sfn "$REPOSITORY/node_modules/.bin" node_modules/.bin
}
