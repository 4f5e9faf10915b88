"""What an instance makes of its user data: what its console says, and where its application answers.

Nothing is run. Installing packages, starting units, pulling and running containers are understood; other commands succeed.
What they fail with are the words of dnf, apt, systemd, docker and cloud-init.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

AMAZON, UBUNTU, OWN = "amazon", "ubuntu", "own"

#: Packages that serve, the images that have them, and the ports of their services.
SERVERS = {
    "nginx": ((AMAZON, UBUNTU), 80),
    "httpd": ((AMAZON,), 80),
    "apache2": ((UBUNTU,), 80),
    "lighttpd": ((AMAZON, UBUNTU), 80),
    "caddy": ((AMAZON, UBUNTU), 80),
    "haproxy": ((AMAZON, UBUNTU), 80),
    "tomcat9": ((AMAZON,), 8080),
    "tomcat10": ((AMAZON, UBUNTU), 8080),
    "varnish": ((AMAZON, UBUNTU), 6081),
}
#: Packages that do not serve HTTP. Others are unknown, and cannot be installed.
TOOLS = re.compile(
    r"docker|docker\.io|git|jq|htop|curl|curl-minimal|wget|unzip|zip|tar|gzip|rsync|vim|nano|tmux|make|gcc|g\+\+|tree|nc|nmap-ncat|telnet|"
    r"awscli|awscli-2|amazon-[a-z-]+|ca-certificates|openssl|build-essential|software-properties-common|gnupg|lsb-release|cronie|chrony|"
    r"python3(\.\d+)?(-[a-z0-9-]+)?|nodejs\d*(-npm)?|npm|ruby[\d.]*|golang|go|rust|cargo|perl|php[\d.]*(-[a-z]+)?|"
    r"java-\d+-amazon-corretto(-[a-z]+)?|openjdk-\d+-j(re|dk)(-headless)?|default-j(re|dk)|maven|postgresql\d*(-[a-z]+)?|"
    r"mariadb[\d]*(-[a-z]+)?|mysql-(server|client)|redis\d*|redis-server|memcached|valkey|sqlite|sqlite3|lib[a-z0-9+.-]+|[a-z0-9+-]+-devel|[a-z0-9+-]+-dev"
)
#: Units of the images themselves, and of packages that are not called like them.
UNITS = {"sshd", "ssh", "crond", "cron", "chronyd", "chrony", "amazon-ssm-agent", "rsyslog", "systemd-journald"}
UNIT_OF = {name: name for name in ("redis6", "redis-server", "memcached")} | {
    "docker": "docker", "docker.io": "docker", "mariadb105-server": "mariadb", "mariadb-server": "mariadb"
}

INSTALL = re.compile(r"(?:sudo )?(retry )?(add_packages|(?:dnf|yum|apt-get|apt)(?: -\S+)* install) +(.+)")
SYSTEMCTL = re.compile(r"(?:sudo )?systemctl (enable --now|enable|start|restart|reload) +(\S+)")
PULL = re.compile(r"(?:sudo )?(retry )?docker pull +(\S+)")
RUN = re.compile(r"(?:sudo )?(?:/usr/bin/)?docker run .*?(?:--publish|-p)[ =](?:[\d.]+:)?(\d+):\d+.* (\S+)")
PORTS = re.compile(r"http\.server (\d+)|--port[ =](\d+)|\bPORT=(\d+)|0\.0\.0\.0:(\d+)")
#: Commands that start nothing.
QUIET = re.compile(
    r"(set|mkdir|cd|echo|umask|export|cat|chmod|chown|true|:|retry (?!docker|dnf|apt|add_packages)\S+|value_of_\w+=|command -v|"
    r"if|then|fi|done|do)\b.*|"
)
#: How long `retry` of our scripts waits between its tries.
DELAYS = (2, 4, 8, 16, 32)


@dataclass
class Boot:
    """The outcome: lines of the console by the second of the script that they come in, and where it answers."""

    family: str
    lines: list[tuple[float, str]] = field(default_factory=list)
    #: Ports of what was started; None when it may be at any: the script starts something that is not understood.
    ports: set[int] | None = field(default_factory=set)
    failed: bool = False
    second: float = 0
    units: set[str] = field(default_factory=lambda: set(UNITS))
    containers: set[str] = field(default_factory=set)
    quiet: bool = True

    def say(self, text: str) -> None:
        self.lines += [(self.second, line) for line in text.splitlines()]

    @property
    def answers(self) -> bool:
        return not self.failed and self.ports != set()

    def answers_at(self, port: int) -> bool:
        return not self.failed and (self.ports is None or port in self.ports)


def boot(script: str, family: str) -> Boot:
    """Runs through a script as bash would, without running it."""
    outcome, strict = Boot(family), re.search(r"^set -\w*e|^#!.* -\w*e", script, re.MULTILINE) is not None
    outcome.units |= set(re.findall(r"/systemd/system/([\w@-]+)\.service", script))
    succeeded = True
    for statement in _statements(script, family) if script.startswith("#!") else []:
        succeeded = _run(outcome, statement, "list-unit-files" in script)
        if not succeeded and (strict or "exit" in statement):
            break
    outcome.failed = not succeeded
    outcome.second += 1
    if outcome.ports == set() and (not outcome.quiet or not _installs(script)):
        outcome.ports = {int(next(filter(None, found))) for found in PORTS.findall(script)} or None
    if outcome.failed:
        _complain(outcome)
    return outcome


def _installs(script: str) -> bool:
    return INSTALL.search(script) is not None


def _statements(script: str, family: str) -> list[str]:
    """Its commands in order: without documents, functions and comments, with branches and loops resolved."""
    text = re.sub(r"<<-?\s*(['\"]?)(\w+)\1(.*?)\n.*?\n\2(?=\n|$)", r"\3", script, flags=re.DOTALL)
    text = re.sub(r"\\\n\s*", " ", text)
    branch = r"\1" if family != UBUNTU else r"\2"
    text = re.sub(r"if command -v dnf >/dev/null; then\s+(.*?)[;\n]\s*else\s+(.*?)[;\n]\s*fi\b", branch, text, flags=re.DOTALL)
    text = re.sub(r"^\w+\(\) \{(?:[^\n]*\}|\n.*?^\})$", "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"for (\w+) in ([^;\n]*)(?:;|\n)\s*do\b(.*?)\bdone\b", _unrolled, text, flags=re.DOTALL)
    lines = [re.split(r"\s*(?:;|&&)\s*", line.strip()) for line in text.splitlines() if not line.lstrip().startswith("#")]
    return [re.sub(r"^(?:then|do|else|exec)\s+", "", part) for parts in lines for part in parts if part]


def _unrolled(loop: re.Match[str]) -> str:
    variable, values, body = loop.groups()
    return "\n".join(re.sub(rf"\$\{{?{variable}\b\}}?", value, body) for value in values.split())


def _run(outcome: Boot, statement: str, guarded: bool) -> bool:
    """One command; whether it succeeded."""
    if found := INSTALL.match(statement):
        names = [word.strip("\"'") for word in found[3].split() if not word.startswith("-") and "$" not in word]
        return _tried(outcome, bool(found[1]) or found[2] == "add_packages", lambda: _install(outcome, names))
    if found := SYSTEMCTL.match(statement):
        return _start(outcome, found[1], found[2].strip("\"'").removesuffix(".service"), guarded)
    if found := PULL.match(statement):
        image = found[2].strip("\"'")
        return _tried(outcome, bool(found[1]), lambda: _pull(outcome, image))
    if found := RUN.match(statement):
        return _pull(outcome, found[2].strip("\"'")) and _container(outcome, statement) and _answer(outcome, int(found[1]))
    if re.search(r"\bexit [1-9]", statement) or statement == "false":
        return False
    outcome.quiet = outcome.quiet and QUIET.fullmatch(statement) is not None
    return True


def _tried(outcome: Boot, again: bool, attempt: Callable[[], bool]) -> bool:
    for delay in (*DELAYS, 0) if again else (0,):
        outcome.second += 1
        if attempt():
            return True
        outcome.second += delay
    return False


def _known(name: str, family: str) -> bool:
    return family in SERVERS[name][0] or family == OWN if name in SERVERS else TOOLS.fullmatch(name) is not None


def _install(outcome: Boot, names: list[str]) -> bool:
    unknown = [name for name in names if not _known(name, outcome.family)]
    if outcome.family == UBUNTU:
        outcome.say("Reading package lists...\nBuilding dependency tree...\nReading state information...")
        outcome.say("\n".join(f"E: Unable to locate package {name}" for name in unknown))
    elif unknown:
        outcome.say("\n".join(f"No match for argument: {name}" for name in unknown))
        outcome.say(f"Error: Unable to find a match: {' '.join(unknown)}")
    else:
        outcome.say("Dependencies resolved.\n" + "\n".join(f"Installing: {name}" for name in names) + "\nComplete!")
    if unknown:
        return False
    outcome.units |= {UNIT_OF.get(name, name) for name in names if name in SERVERS or name in UNIT_OF}
    if outcome.family == UBUNTU:  # its packages start their services themselves
        for name in names:
            if name in SERVERS:
                _answer(outcome, SERVERS[name][1])
    return True


def _start(outcome: Boot, verb: str, unit: str, guarded: bool) -> bool:
    if unit not in outcome.units and guarded:
        return True
    if unit not in outcome.units and outcome.family != OWN:
        missing = f"Failed to enable unit: Unit file {unit}.service does not exist."
        outcome.say(missing if verb.startswith("enable") else f"Failed to {verb} {unit}.service: Unit {unit}.service not found.")
        return False
    if verb.startswith("enable"):
        outcome.say(f"Created symlink /etc/systemd/system/multi-user.target.wants/{unit}.service → /usr/lib/systemd/system/{unit}.service.")
    if verb != "enable" and unit in SERVERS:
        _answer(outcome, SERVERS[unit][1])
    elif verb != "enable" and unit not in (*UNITS, *UNIT_OF.values()):
        outcome.quiet = False
    return True


def _answer(outcome: Boot, port: int) -> bool:
    outcome.ports = (outcome.ports or set()) | {port}
    return True


def _container(outcome: Boot, statement: str) -> bool:
    named = re.search(r"--name[ =](\S+)", statement)
    outcome.containers.add(named[1] if named else "sleepy_turing")
    return True


def _pull(outcome: Boot, image: str) -> bool:
    """An image whose name has `missing` in it has no repository, one with the tag `broken` no such tag."""
    name, _, tag = image.partition("@")[0].rpartition("/")[2].partition(":")
    repository = image.removesuffix(f":{tag}") if tag else image
    if "missing" in name:
        outcome.say(_no_repository(repository))
    elif tag == "broken":
        outcome.say(f"Error response from daemon: manifest for {image} not found: manifest unknown: manifest unknown")
    return "missing" not in name and tag != "broken"


def _no_repository(repository: str) -> str:
    ecr = re.match(r"(\d{12})\.dkr\.ecr\.[\w-]+\.amazonaws\.com/(.+)", repository)
    if ecr:
        known = f"The repository with name '{ecr[2]}' does not exist in the registry with id '{ecr[1]}'"
        return f"Error response from daemon: repository {repository} not found: name unknown: {known}"
    return (
        f"Error response from daemon: pull access denied for {repository}, repository does not exist or may require "
        "'docker login': denied: requested access to the resource is denied"
    )


def _complain(outcome: Boot) -> None:
    """What cloud-init of the image says of a script that failed."""
    module, python = ("scripts_user", "/usr/lib/python3") if outcome.family == UBUNTU else ("scripts-user", "/usr/lib/python3.9")
    packages = "dist-packages" if outcome.family == UBUNTU else "site-packages"
    where = f"<module 'cloudinit.config.cc_scripts_user' from '{python}/{packages}/cloudinit/config/cc_scripts_user.py'>"
    outcome.say(f"{{now}} - cc_scripts_user.py[WARNING]: Failed to run module {module} (scripts in /var/lib/cloud/instance/scripts)")
    outcome.say(f"{{now}} - util.py[WARNING]: Running module {module} ({where}) failed")
