//! Why: nextest runs one process per test, so the server belongs to none of them. Lock files make the first one start
//! it, keep it while anybody uses it, and let a watcher stop it afterwards.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Settings of the shared server; what is not here is PostgreSQL's default.
const SETTINGS: &[&str] = &[
    "listen_addresses=",
    "port=5432",
    "max_connections=300",
    "fsync=off",
    "full_page_writes=off",
    "shared_buffers=64MB",
    "max_wal_size=256MB",
    "deadlock_timeout=200ms",
    "logging_collector=off",
];

/// Stops the server when the lock of its users is free and nobody has come for a minute. Arguments: the users' lock,
/// the file that tells where the server is, the server's folder, then the command that stops it.
const WATCHER: &str = r#"users=$1; state=$2; folder=$3; shift 3
while sleep 20; do
  [ -e "$state" ] || exit 0
  [ -n "$(find "$users" -mmin +1)" ] || continue
  flock -n -x "$users" sh -c 'state=$1; folder=$2; shift 2; "$@"; rm -rf "$state" "$folder"' sh "$state" "$folder" "$@" && exit 0
done"#;

/// The folder of lock files and state, the same for every test of this workspace.
fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/postgres-test");
    fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("make {}: {error}", folder.display()));
    folder
}

fn open(name: &str) -> File {
    let path = folder().join(name);
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .unwrap_or_else(|error| panic!("open {}: {error}", path.display()))
}

/// Keeps every other test process from starting servers and making templates while the value lives.
pub(crate) fn alone() -> File {
    let file = open("alone.lock");
    file.lock().expect("a lock file locks");
    file
}

/// The running server's URL, and what keeps it running.
pub(crate) fn reach() -> (String, File) {
    let mut users = open("users.lock");
    users.lock_shared().expect("a lock file locks");
    users.write_all(b".").expect("a lock file is written: its time tells the watcher when somebody came last");
    let _alone = alone();
    let state = folder().join("server");
    if let Ok(socket) = fs::read_to_string(&state)
        && Path::new(&socket).join(".s.PGSQL.5432.lock").exists()
        && std::os::unix::net::UnixStream::connect(Path::new(&socket).join(".s.PGSQL.5432")).is_ok()
    {
        return (url(&socket), users);
    }
    let home = make(&format!("gerbang-postgres-{}", std::process::id()));
    start(&home, SETTINGS.iter().map(ToString::to_string));
    let socket = home.join("socket").to_str().expect("a temporary folder's name is text").to_owned();
    fs::write(&state, &socket).expect("the state file is written");
    users.set_len(0).expect("a lock file is emptied");
    watch(&state, &home);
    (url(&socket), users)
}

fn url(socket: &str) -> String {
    format!("postgres://postgres@{}/postgres?sslmode=disable", socket.replace('%', "%25").replace('/', "%2F"))
}

/// Makes a server in a new folder of this name.
fn make(name: &str) -> PathBuf {
    let home = std::env::temp_dir().join(name);
    let _ = fs::remove_dir_all(&home);
    fs::create_dir(&home).expect("a temporary folder can be made");
    fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).expect("a folder of ours takes permissions");
    if is_root() {
        finish(Command::new("chown").arg(owner()).arg(&home));
    }
    finish(as_owner("mkdir").arg(home.join("socket")));
    let mut initdb = as_owner(program("initdb"));
    initdb.args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N", "-D"]).arg(home.join("data"));
    finish(&mut initdb);
    home
}

fn start(home: &Path, settings: impl Iterator<Item = String>) {
    let mut options = format!("-k {}", home.join("socket").display());
    for setting in settings {
        options.push_str(&format!(" -c {setting}"));
    }
    let mut pg_ctl = as_owner(program("pg_ctl"));
    pg_ctl.args(["start", "-w", "-t", "60", "-D"]).arg(home.join("data"));
    finish(pg_ctl.arg("-l").arg(home.join("log")).arg("-o").arg(options));
}

/// A server for one test alone, as a production's would be: it waits for the disk and speaks TLS with a certificate of
/// its own making, on a port of this machine. It ends with this value.
pub struct ProductionServer {
    home: PathBuf,
    port: u16,
    /// The certificate that it shows, one PEM file; made for `localhost`.
    pub certificate: PathBuf,
}

/// What OpenSSL is told about the certificate: for a server, and not to sign others with.
const CERTIFICATE: &str = "[req]\ndistinguished_name=name\nx509_extensions=ext\nprompt=no\n[name]\nCN=localhost\n\
    [ext]\nbasicConstraints=critical,CA:FALSE\nsubjectAltName=DNS:localhost\n";

impl ProductionServer {
    /// Starts it.
    ///
    /// # Panics
    ///
    /// When it does not start; the text says what is missing.
    pub fn start() -> Self {
        let port = free_port();
        let _alone = alone();
        let home = make(&format!("gerbang-production-{}-{port}", std::process::id()));
        let data = home.join("data");
        let config = home.join("certificate.cnf");
        fs::write(&config, CERTIFICATE).expect("a folder of ours takes files");
        fs::set_permissions(&config, fs::Permissions::from_mode(0o644)).expect("a file of ours takes permissions");
        let mut openssl = as_owner("openssl");
        openssl.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-config"]).arg(config);
        finish(openssl.arg("-keyout").arg(data.join("server.key")).arg("-out").arg(data.join("server.crt")));
        let certificate = home.join("shown.crt");
        fs::copy(data.join("server.crt"), &certificate).expect("a certificate is no secret");
        let port_setting = format!("port={port}");
        start(&home, ["listen_addresses=127.0.0.1", "ssl=on", &port_setting].map(str::to_owned).into_iter());
        Self { home, port, certificate }
    }

    /// Restarts it the hard way: every connection is cut, and what was not committed is lost.
    ///
    /// # Panics
    ///
    /// When it does not come back.
    pub fn restart(&self) {
        let mut pg_ctl = as_owner(program("pg_ctl"));
        pg_ctl.args(["restart", "-m", "immediate", "-w", "-t", "60", "-D"]).arg(self.home.join("data"));
        finish(pg_ctl.arg("-l").arg(self.home.join("log")));
    }

    /// Its URL with this host and these parameters, `?` not included.
    pub fn url(&self, host: &str, parameters: &str) -> String {
        format!("postgres://postgres@{host}:{}/postgres?{parameters}", self.port)
    }
}

/// A port that stays free while the server is made: below those that systems give to whoever asks for any, and of this
/// process's own.
fn free_port() -> u16 {
    const PORTS: std::ops::Range<u32> = 16_000..20_000;
    let first = std::process::id() % (PORTS.end - PORTS.start);
    let ports = (PORTS.start + first..PORTS.end).chain(PORTS.start..PORTS.start + first);
    let mut ports = ports.filter_map(|port| u16::try_from(port).ok());
    let free = |port: &u16| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok();
    ports.find(free).expect("this machine has a free port")
}

impl Drop for ProductionServer {
    fn drop(&mut self) {
        let _ = as_owner(program("pg_ctl"))
            .args(["stop", "-m", "immediate", "-D"])
            .arg(self.home.join("data"))
            .stdout(Stdio::null())
            .status();
        let _ = fs::remove_dir_all(&self.home);
    }
}

/// Leaves a watcher behind that stops the server when nobody uses it any more.
fn watch(state: &Path, home: &Path) {
    let stop = as_owner(program("pg_ctl"));
    let mut watcher = Command::new("setsid");
    watcher.args(["--fork", "sh", "-c", WATCHER, "sh"]).arg(folder().join("users.lock")).arg(state).arg(home);
    watcher
        .arg(stop.get_program())
        .args(stop.get_args())
        .args(["stop", "-m", "immediate", "-D"])
        .arg(home.join("data"));
    watcher.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).current_dir("/").process_group(0);
    assert!(watcher.status().is_ok_and(|status| status.success()), "setsid is part of util-linux");
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// Whom the server runs as when the tests run as root, whom PostgreSQL refuses.
fn owner() -> &'static str {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    if users.lines().any(|line| line.starts_with("postgres:")) { "postgres" } else { "nobody" }
}

fn as_owner(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", owner(), "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir("/").stdin(Stdio::null());
    command
}

/// The newest of the system's PostgreSQL programs of this name.
fn program(name: &str) -> PathBuf {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin").join(name))))
        .filter(|(_, path)| path.exists())
        .collect();
    found.sort();
    let on_path = || {
        let folders = std::env::var_os("PATH")?;
        std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.exists())
    };
    found.pop().map(|(_, path)| path).or_else(on_path).unwrap_or_else(|| {
        panic!(
            "PostgreSQL's {name} is not on this machine: install Debian's package `postgresql` (scripts/test does), \
             or name a server in GERBANG_TEST_POSTGRES"
        )
    })
}

fn finish(command: &mut Command) {
    // To a file and not to a pipe: what the server inherits must not keep anybody waiting for its end.
    let log = folder().join("start.log");
    let file = File::create(&log).expect("the log of the start can be made");
    let copy = file.try_clone().expect("a file can be opened twice");
    let status = command.stdout(file).stderr(copy).status();
    if !status.as_ref().is_ok_and(std::process::ExitStatus::success) {
        let told = fs::read_to_string(&log).unwrap_or_default();
        panic!("the tests' PostgreSQL did not start: {command:?}: {status:?}: {told}");
    }
}
