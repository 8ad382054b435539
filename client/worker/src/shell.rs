//! The loop around the engine: inputs from the browser go in one at a time, outputs are carried out.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use core::time::Duration;

use bocage_api::message::{Build, Envelope};
use bocage_api::{BuildId, FromEngine, TabId, ToEngine};
use bocage_core::{
    Engine, Family, Input, LinkId, Output, RecordKey, Secret, StoreError, Timestamp, Write,
};
use bocage_platform::data_channel::ChannelEvent;
use bocage_platform::direct::Report;
use bocage_platform::peer_connection::IceServer;
use bocage_platform::scope::{FromPage, WorkerScope};
use bocage_platform::shared_channel::SharedChannel;
use bocage_platform::socket::{Socket, SocketEvent};
use bocage_platform::store::{RecordWrite, StorageError, Store};
use bocage_platform::{clock, key, task};
use getrandom::SysRng;
use rand_core::UnwrapErr;
use zeroize::Zeroize;

use crate::direct::DirectLinks;
use crate::tabs::{TO_ENGINE, Tabs};

/// The name of the profile's database.
const DATABASE: &str = "bocage";

/// Waits for the page's word to start, then runs the engine for as long as the worker lives.
pub(crate) fn run() {
    let Ok(scope) = WorkerScope::current() else {
        return;
    };
    let shell: Rc<RefCell<Option<Shared>>> = Rc::default();
    let speaker = scope.clone();
    scope.on_message(move |message| match message {
        FromPage::Words(words) => {
            let Some((owner, build)) = parse_start(&words) else {
                return;
            };
            let (scope, shell) = (speaker.clone(), Rc::clone(&shell));
            task::spawn(async move {
                match Shell::start(scope.clone(), owner, build).await {
                    Ok(started) => *shell.borrow_mut() = Some(started),
                    Err(error) => refuse(&scope, &error),
                }
            });
        }
        FromPage::Bytes(bytes) => {
            if let Some(shell) = shell.borrow().as_ref() {
                hear(shell, &bytes);
            }
        }
        FromPage::Direct(link, report) => {
            if let Some(shell) = shell.borrow().as_ref() {
                take_report(shell, LinkId(link), report);
            }
        }
    });
}

/// `["start", tab, build, made]`.
fn parse_start(words: &[String]) -> Option<(TabId, Build)> {
    let [word, tab, build, made] = words else {
        return None;
    };
    let build = Build {
        id: BuildId::from_hex(build)?,
        made: made.parse().ok()?,
    };
    (word == "start").then_some((TabId::from_hex(tab)?, build))
}

fn refuse(scope: &WorkerScope, error: &StorageError) {
    let word = match error {
        StorageError::Newer => "storage-newer",
        StorageError::Full => "storage-full",
        StorageError::Superseded | StorageError::Unavailable(_) => "storage-unavailable",
    };
    let _ = scope.send_word(word, &error.to_string());
}

type Shared = Rc<RefCell<Shell>>;

struct Shell {
    engine: Engine,
    run: u64,
    build: Build,
    scope: WorkerScope,
    store: Store,
    tabs: Tabs,
    direct: DirectLinks,
    inputs: VecDeque<Input>,
    stores_under_way: usize,
    /// A newer build wants to take over as soon as nothing is being written.
    stepping_down: bool,
    socket: Option<Socket>,
    alarm: Option<task::Alarm>,
    #[allow(dead_code, reason = "held for as long as the engine listens")]
    ears: Option<SharedChannel>,
}

impl Shell {
    async fn start(scope: WorkerScope, owner: TabId, build: Build) -> Result<Shared, StorageError> {
        let store = Store::open(DATABASE).await?;
        let mut storage_key = key::storage_key(&store).await?;
        let run = store.claim_run().await?;
        let secret = Secret::new(storage_key);
        storage_key.zeroize();
        let engine = Engine::new(&secret, run, &mut rng());
        let shell = Rc::new(RefCell::new(Self {
            engine,
            run,
            build,
            tabs: Tabs::new(scope.clone(), build, owner),
            direct: DirectLinks::new(scope.clone()),
            scope,
            store,
            inputs: VecDeque::from([Input::Tick]),
            stores_under_way: 0,
            stepping_down: false,
            socket: None,
            alarm: None,
            ears: None,
        }));
        let listening = Rc::clone(&shell);
        let ears = SharedChannel::listen(TO_ENGINE, move |bytes| hear(&listening, &bytes))?;
        shell.borrow_mut().ears = Some(ears);
        work(&shell);
        shell.borrow().tabs.announce()?;
        Ok(shell)
    }
}

fn rng() -> UnwrapErr<SysRng> {
    // A browser without randomness has no WebCrypto either, and then the app does not start.
    UnwrapErr(SysRng)
}

/// A message of a tab has arrived.
fn hear(shell: &Shared, bytes: &[u8]) {
    let Ok(envelope) = Envelope::open(bytes) else {
        return;
    };
    let tab = envelope.tab;
    {
        let mut this = shell.borrow_mut();
        let gone = Rc::clone(shell);
        this.tabs
            .meet(tab, move || give(&gone, Input::Tab(tab, ToEngine::Bye)));
        if envelope.build.id != this.build.id {
            if envelope.build.made >= this.build.made {
                this.stepping_down = true;
                step_down_when_idle(&this);
            } else {
                // The envelope alone tells the tab that it is the older one.
                this.tabs.send(tab, &FromEngine::Pong(0));
            }
            return;
        }
        if this.stepping_down {
            return;
        }
    }
    if let Ok(message) = envelope.body::<ToEngine>() {
        give(shell, Input::Tab(tab, message));
    }
}

/// The page has said what became of a direct link.
fn take_report(shell: &Shared, link: LinkId, report: Report) {
    let happening = Rc::clone(shell);
    let hear = move |event: ChannelEvent| {
        let inputs = happening.borrow_mut().direct.happened(link, event);
        give_all(&happening, inputs);
    };
    let inputs = shell.borrow_mut().direct.reported(link, report, hear);
    give_all(shell, inputs);
}

/// Gives the engine something.
fn give(shell: &Shared, input: Input) {
    give_all(shell, vec![input]);
}

fn give_all(shell: &Shared, inputs: Vec<Input>) {
    shell.borrow_mut().inputs.extend(inputs);
    work(shell);
}

/// Works until there is nothing to do.
fn work(shell: &Shared) {
    let mut this = shell.borrow_mut();
    while let Some(input) = this.inputs.pop_front() {
        if let Input::Tab(tab, ToEngine::Bye) = &input {
            this.tabs.forget(*tab);
        }
        this.engine
            .handle(Timestamp(clock::now_ms()), &mut rng(), input);
        while let Some(output) = this.engine.poll_output() {
            carry_out(shell, &mut this, output);
        }
    }
    step_down_when_idle(&this);
}

fn step_down_when_idle(this: &Shell) {
    if this.stepping_down && this.stores_under_way == 0 {
        let _ = this.scope.send_word("step-down", "");
    }
}

fn carry_out(shell: &Shared, this: &mut Shell, output: Output) {
    match output {
        Output::Load(family) => {
            let (shell, store) = (Rc::clone(shell), this.store.clone());
            task::spawn(async move {
                let records = load(&store, family).await;
                give(&shell, Input::Loaded(family, records));
            });
        }
        Output::Store { token, writes } => {
            this.stores_under_way += 1;
            let (shell, store, run) = (Rc::clone(shell), this.store.clone(), this.run);
            task::spawn(async move {
                let stored = store
                    .write(run, writes.into_iter().map(record_write).collect())
                    .await;
                {
                    let mut this = shell.borrow_mut();
                    this.stores_under_way = this.stores_under_way.saturating_sub(1);
                    if stored == Err(StorageError::Superseded) {
                        let _ = this.scope.send_word("superseded", "");
                    }
                }
                let input = match stored {
                    Ok(()) => Input::Stored(token),
                    Err(error) => Input::StoreFailed(token, store_error(&error)),
                };
                give(&shell, input);
            });
        }
        Output::Tab(tab, message) => this.tabs.send(tab, &message),
        Output::RelayOpen => {
            let address = this.scope.relay_address(bocage_wire::PATH);
            let listening = Rc::clone(shell);
            let opened = Socket::open(&address, move |event| {
                give(
                    &listening,
                    match event {
                        SocketEvent::Open => Input::RelayOpened,
                        SocketEvent::Bytes(bytes) => Input::RelayReceived(bytes),
                        SocketEvent::Closed => Input::RelayClosed,
                    },
                );
            });
            match opened {
                Ok(socket) => this.socket = Some(socket),
                Err(_) => this.inputs.push_back(Input::RelayClosed),
            }
        }
        Output::RelaySend(bytes) => {
            // A socket that is closing says so by itself.
            let _ = this.socket.as_ref().map(|socket| socket.send(&bytes));
        }
        Output::RelayClose => {
            if this.socket.take().is_some() {
                this.inputs.push_back(Input::RelayClosed);
            }
        }
        Output::DirectOpen {
            link,
            offers,
            servers,
        } => {
            let servers = servers.into_iter().map(|server| IceServer {
                url: server.url,
                username: server.username,
                credential: server.credential,
            });
            let failed = this.direct.open(link, offers, servers.collect());
            this.inputs.extend(failed);
        }
        Output::DirectSignal(link, signal) => {
            let failed = this.direct.signal(link, signal);
            this.inputs.extend(failed);
        }
        Output::DirectSend(link, message) => {
            let failed = this.direct.send(link, message);
            this.inputs.extend(failed);
        }
        Output::DirectClose(link) => this.direct.close(link),
        Output::WakeAt(at) => {
            let wait = Duration::from_millis(at.0.saturating_sub(clock::now_ms()));
            let shell = Rc::clone(shell);
            this.alarm = Some(task::after(wait, move || give(&shell, Input::Tick)));
        }
    }
}

async fn load(store: &Store, family: Family) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
    let records = store
        .load(&family.0)
        .await
        .map_err(|error| store_error(&error))?;
    let indexed = |(key, value): (Vec<u8>, Vec<u8>)| {
        RecordKey::from_bytes(&key).map(|key| (key.index, value))
    };
    Ok(records.into_iter().filter_map(indexed).collect())
}

fn record_write(write: Write) -> RecordWrite {
    match write {
        Write::Put(key, value) => RecordWrite::Put(key.to_bytes().to_vec(), value),
        Write::Delete(key) => RecordWrite::Delete(key.to_bytes().to_vec()),
    }
}

fn store_error(error: &StorageError) -> StoreError {
    match error {
        StorageError::Full => StoreError::Full,
        StorageError::Superseded => StoreError::Superseded,
        StorageError::Newer | StorageError::Unavailable(_) => StoreError::Unavailable,
    }
}
