//! The way to the engine: this tab's own worker when it leads, another tab's otherwise.
//!
//! Tabs elect the one that runs the engine by a Web Lock. Whoever gets it starts the worker and
//! holds the lock for as long as the worker lives. A tab that hears nothing for a long time takes
//! the lock away; storage then refuses the old engine's writes (`bocage_platform::store`), so
//! that a frozen leader does no harm when it wakes.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use core::time::Duration;

use bocage_api::message::{Build, Envelope, encode};
use bocage_api::{BuildId, FromEngine, TabId, ToEngine};
use bocage_platform::direct::Report;
use bocage_platform::lock::{self, HeldLock};
use bocage_platform::shared_channel::SharedChannel;
use bocage_platform::worker::{FromWorker, OwnedWorker};
use bocage_platform::{PlatformError, build, clock, page_life, random, task};
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;

use super::direct::Direct;
use super::trouble::Trouble;

/// The lock of the tab that runs the engine.
const LEADER: &str = "bocage/1/engine";

/// How often the tab looks whether the engine still answers.
const CHECK_EVERY: Duration = Duration::from_secs(5);

/// After this long without a word, from an engine or from one being started, the person is told.
const SILENCE_MAX_US: f64 = 15_000_000.0;

/// Pause before a worker that could not be loaded is tried again.
const RETRY_LOADING: Duration = Duration::from_secs(3);

/// What happens on the link.
pub(super) enum LinkEvent {
    /// There is an engine to greet.
    EngineUp,
    /// The engine is gone; another will come.
    EngineGone,
    /// The engine says something.
    Message(FromEngine),
    /// Something the person must know.
    Trouble(Trouble),
}

type Listener = Rc<dyn Fn(LinkEvent)>;

#[derive(Clone)]
pub(super) struct Link(Rc<Inner>);

struct Inner {
    tab: TabId,
    build: Build,
    scripts: Scripts,
    hear: RefCell<Option<Listener>>,
    worker: RefCell<Option<Leading>>,
    to_engine: RefCell<Option<SharedChannel>>,
    ears: RefCell<Vec<SharedChannel>>,
    alive: RefCell<Option<HeldLock>>,
    last_heard_us: Cell<f64>,
    /// A newer version has taken over: this tab says and does nothing any more.
    outdated: Cell<bool>,
    /// This tab's engine ended for a reason that is on the screen: it starts no other by itself.
    resigned: Cell<bool>,
}

/// The worker this tab runs, and the lock that lets it.
struct Leading {
    worker: OwnedWorker,
    direct: Direct,
    _lock: HeldLock,
}

struct Scripts {
    boot: String,
    script: String,
    program: String,
}

impl Link {
    pub(super) fn new() -> Option<Self> {
        let build = Build {
            id: BuildId::from_hex(&build::meta("bocage-build")?)?,
            made: build::meta("bocage-built-at")?.parse().ok()?,
        };
        let scripts = Scripts {
            boot: build::meta("bocage-engine-js")?,
            script: build::meta("bocage-worker-js")?,
            program: build::meta("bocage-worker-wasm")?,
        };
        Some(Self(Rc::new(Inner {
            tab: TabId(random::bytes().ok()?),
            build,
            scripts,
            hear: RefCell::default(),
            worker: RefCell::default(),
            to_engine: RefCell::default(),
            ears: RefCell::default(),
            alive: RefCell::default(),
            last_heard_us: Cell::new(clock::monotonic_us()),
            outdated: Cell::new(false),
            resigned: Cell::new(false),
        })))
    }

    /// Looks for an engine and stands for election.
    pub(super) fn start(&self, hear: impl Fn(LinkEvent) + 'static) {
        *self.0.hear.borrow_mut() = Some(Rc::new(hear));
        let link = self.clone();
        task::spawn(async move {
            let name = link.0.tab.to_hex();
            // Held for as long as the tab lives, so that the engine learns when it is gone.
            if let Ok(alive) = lock::hold(&format!("bocage/1/tab/{name}"), false).await {
                *link.0.alive.borrow_mut() = Some(alive);
            }
            for channel in [format!("bocage/1/tab/{name}"), "bocage/1/up".to_owned()] {
                let listening = link.clone();
                let ear = SharedChannel::listen(&channel, move |bytes| listening.receive(&bytes));
                link.0.ears.borrow_mut().extend(ear);
            }
            *link.0.to_engine.borrow_mut() = SharedChannel::to("bocage/1/to-engine").ok();
            link.tell(LinkEvent::EngineUp);
            link.lead(false);
            link.check_again();
        });
        self.offer_links();
        let leaving = self.clone();
        page_life::on_leave(move || leaving.send(&ToEngine::Bye));
        let seen = self.clone();
        page_life::on_seen(move |is_seen| {
            if is_seen {
                seen.0.last_heard_us.set(clock::monotonic_us());
            }
            seen.send(&ToEngine::Seen(is_seen));
        });
        let moved = self.clone();
        page_life::on_network_change(move || {
            moved.send(&ToEngine::NetworkChanged);
            if let Some(leading) = &*moved.0.worker.borrow() {
                leading.direct.restart();
            }
        });
    }

    /// Sends a message, if there is a way to send it. What is lost is repeated to the next engine.
    pub(super) fn send(&self, message: &ToEngine) {
        let Ok(bytes) = encode(self.0.build, self.0.tab, message) else {
            return;
        };
        if self.0.outdated.get() {
            return;
        }
        let _ = match (&*self.0.worker.borrow(), &*self.0.to_engine.borrow()) {
            (Some(leading), _) => leading.worker.send(&bytes),
            (None, Some(channel)) => channel.send(&bytes),
            (None, None) => Ok(()),
        };
    }

    /// Starts a fresh engine after a fault.
    pub(super) fn restart(&self) {
        self.0.last_heard_us.set(clock::monotonic_us());
        self.0.resigned.set(false);
        self.lead(false);
    }

    fn tell(&self, event: LinkEvent) {
        let is_up = matches!(event, LinkEvent::EngineUp);
        let hear = self.0.hear.borrow().clone();
        if let Some(hear) = hear {
            hear(event);
        }
        if is_up && !page_life::is_visible() {
            self.send(&ToEngine::Seen(false));
        }
    }

    /// Waits for the lock, then runs the engine until the lock is lost.
    fn lead(&self, steal: bool) {
        let link = self.clone();
        task::spawn(async move {
            let Ok(held) = lock::hold(LEADER, steal).await else {
                return;
            };
            if link.0.outdated.get() || link.0.worker.borrow().is_some() {
                return;
            }
            let lost = held.lost();
            if !link.start_worker(held) {
                return;
            }
            lost.await;
            // Released by this tab itself, or stolen by another that believed it dead.
            if link.0.worker.borrow_mut().take().is_some() {
                link.tell(LinkEvent::EngineGone);
                link.lead(false);
            }
        });
    }

    fn start_worker(&self, lock: HeldLock) -> bool {
        let link = self.clone();
        let hear = move |said| link.worker_says(said);
        match OwnedWorker::start(&self.0.scripts.boot, "bocage-engine", hear) {
            Ok(mut worker) => {
                let telling = self.clone();
                let direct = Direct::new(move |link, report| telling.report(link, report));
                let ordered = direct.clone();
                worker.on_order(move |link, order| ordered.carry_out(link, order));
                let Scripts {
                    script, program, ..
                } = &self.0.scripts;
                let _ = worker.send_words(&["boot", script, program]);
                *self.0.worker.borrow_mut() = Some(Leading {
                    worker,
                    direct,
                    _lock: lock,
                });
                true
            }
            Err(error) => {
                let report = error.to_string();
                self.tell(LinkEvent::Trouble(Trouble::Trapped { report, unsaved: 0 }));
                false
            }
        }
    }

    fn worker_says(&self, said: FromWorker) {
        self.0.last_heard_us.set(clock::monotonic_us());
        match said {
            FromWorker::Bytes(bytes) => self.receive(&bytes),
            FromWorker::Failed(_) => self.load_again(),
            FromWorker::Word(word, text) => match word.as_str() {
                "booted" => self.start_engine(),
                "not-loaded" => self.load_again(),
                "trap" => self.resign(Trouble::Trapped {
                    report: text,
                    unsaved: 0,
                }),
                "step-down" | "storage-newer" => self.retire(),
                "storage-full" => self.resign(Trouble::StorageFull),
                "storage-unavailable" => {
                    self.resign(Trouble::StorageUnavailable { report: text });
                }
                // "superseded": the lock was stolen, which `lead` sees to.
                _ => {}
            },
        }
    }

    /// Tells the worker what became of a direct link.
    fn report(&self, link: u64, report: &Report) -> Result<(), PlatformError> {
        let gone = || PlatformError::new("InvalidState", "there is no worker");
        let worker = self.0.worker.borrow();
        worker
            .as_ref()
            .ok_or_else(gone)?
            .worker
            .report(link, report)
    }

    /// `bocage.links()`: a promise of what is known about each connection that this tab holds.
    fn offer_links(&self) {
        let link = self.clone();
        let links = Closure::<dyn Fn() -> js_sys::Promise>::new(move || {
            let direct = link
                .0
                .worker
                .borrow()
                .as_ref()
                .map(|leading| leading.direct.clone());
            js_sys::Promise::new(&mut move |fulfil, _| {
                let direct = direct.clone();
                task::spawn(async move {
                    let reports = match direct {
                        Some(direct) => direct.reports().await,
                        None => js_sys::Array::new(),
                    };
                    let _ = fulfil.call1(&wasm_bindgen::JsValue::UNDEFINED, &reports);
                });
            })
        });
        page_life::offer_diagnostic("links", links.as_ref().unchecked_ref());
        links.forget();
    }

    fn start_engine(&self) {
        let Build { id, made } = self.0.build;
        if let Some(leading) = &*self.0.worker.borrow() {
            let words = [
                "start",
                &self.0.tab.to_hex(),
                &id.to_hex(),
                &made.to_string(),
            ];
            let _ = leading.worker.send_words(&words);
        }
    }

    /// Ends the worker, gives the lock to whoever wants it, and tells the person why.
    fn resign(&self, trouble: Trouble) {
        self.0.resigned.set(true);
        drop(self.0.worker.borrow_mut().take());
        self.tell(LinkEvent::Trouble(trouble));
    }

    /// A newer version takes over.
    fn retire(&self) {
        self.0.outdated.set(true);
        self.resign(Trouble::NewerVersion { unsaved: 0 });
    }

    /// The worker's files could not be loaded: tries again, and says so meanwhile.
    fn load_again(&self) {
        self.resign(Trouble::Silent);
        let link = self.clone();
        task::spawn(async move {
            task::sleep(RETRY_LOADING).await;
            link.restart();
        });
    }

    fn receive(&self, bytes: &[u8]) {
        let Ok(envelope) = Envelope::open(bytes) else {
            return;
        };
        if self.0.outdated.get() {
            return;
        }
        let (own, theirs) = (self.0.build, envelope.build);
        if theirs.id != own.id {
            // An older engine steps down by itself when this tab greets it.
            if theirs.made >= own.made && self.0.worker.borrow().is_none() {
                self.retire();
            }
            return;
        }
        self.0.last_heard_us.set(clock::monotonic_us());
        if envelope.tab == self.0.tab {
            if let Ok(message) = envelope.body() {
                self.tell(LinkEvent::Message(message));
            }
        } else if envelope.tab == TabId([0; TabId::LEN]) {
            self.tell(LinkEvent::EngineUp);
        }
    }

    /// Asks the engine now and then whether it is there.
    fn check_again(&self) {
        let link = self.clone();
        task::spawn(async move {
            loop {
                task::sleep(CHECK_EVERY).await;
                if link.0.outdated.get() {
                    return;
                }
                if page_life::is_visible() {
                    link.check();
                }
            }
        });
    }

    fn check(&self) {
        if self.0.resigned.get() {
            return;
        }
        self.send(&ToEngine::Ping(0));
        let silence = clock::monotonic_us() - self.0.last_heard_us.get();
        if silence < SILENCE_MAX_US {
            return;
        }
        self.0.last_heard_us.set(clock::monotonic_us());
        self.tell(LinkEvent::Trouble(Trouble::Silent));
        if self.0.worker.borrow().is_none() {
            self.lead(true);
        }
    }
}
