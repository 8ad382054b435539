//! Which words may stand in which sources: the walls inside a package, and those that no manifest shows.

use super::Check::Says;
use super::Plant::File;
use super::Rule;
use super::source::Word::{self, Code, Crate, Name, Path, Text};

/// Every rule about sources.
pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "core has no clock, files, network, threads or randomness of its own",
        check: Says {
            within: &["core/src"],
            except: &[],
            forbidden: WORLD,
        },
        plant: File {
            path: "core/src/planted.rs",
            text: "use std::{collections::BTreeMap, time::{Duration, Instant}};\n",
        },
    },
    Rule {
        name: "formats has no clock, files, network, threads or randomness of its own",
        check: Says {
            within: &["formats/src"],
            except: &[],
            forbidden: WORLD,
        },
        plant: File {
            path: "formats/src/planted.rs",
            text: "fn planted() { let _ = std::fs::read(\"page.md\"); }\n",
        },
    },
    Rule {
        name: "session has no clock, files, network, threads or randomness of its own",
        check: Says {
            within: &["client/session/src"],
            except: &[],
            forbidden: WORLD,
        },
        plant: File {
            path: "client/session/src/planted.rs",
            text: "fn planted() { std::thread::yield_now(); }\n",
        },
    },
    Rule {
        name: "platform names neither leptos nor automerge",
        check: Says {
            within: &["client/platform/src"],
            except: &[],
            forbidden: &[Crate("leptos"), Crate("automerge"), Crate("bocage_core")],
        },
        plant: File {
            path: "client/platform/src/planted.rs",
            text: "use leptos::prelude::*;\n",
        },
    },
    Rule {
        name: "page writes no markup and no inline styles, which the content security policy would refuse",
        check: Says {
            within: &["client/page/src", "client/boot"],
            except: &[],
            forbidden: &[
                Code("inner_html"),
                Code("set_inner_html"),
                Code("set_outer_html"),
                Code("insert_adjacent_html"),
                Code("style="),
                Text("\"style\""),
                Text("innerHTML"),
                Text("outerHTML"),
                Text("insertAdjacentHTML"),
                Text("document.write"),
            ],
        },
        plant: File {
            path: "client/page/src/planted.rs",
            text: "fn planted() -> impl IntoView { view! { <p style=\"color: red\"/> } }\n",
        },
    },
    Rule {
        name: "page starts tasks in its runtime only, where their ends are seen to",
        check: Says {
            within: &["client/page/src"],
            except: &["client/page/src/runtime"],
            forbidden: &[Name("spawn_local"), Name("future_to_promise")],
        },
        plant: File {
            path: "client/page/src/planted.rs",
            text: "use leptos::task::spawn_local;\n",
        },
    },
    Rule {
        name: "shortcuts are made in the action registry only, so that the help sheet knows them all",
        check: Says {
            within: &["client/page/src"],
            except: &[
                "client/page/src/actions",
                "client/page/src/ui.rs",
                "client/page/src/ui/keys.rs",
            ],
            forbidden: &[Name("Stroke"), Name("ctrl_key"), Name("meta_key")],
        },
        plant: File {
            path: "client/page/src/planted.rs",
            text: "fn planted(event: &KeyboardEvent) -> bool { event.ctrl_key() }\n",
        },
    },
    Rule {
        name: "cryptography is named in core/src/crypto only",
        check: Says {
            within: &["wire/src", "api/src", "core/src", "formats/src", "client"],
            except: &["core/src/crypto/", "core/src/crypto.rs"],
            forbidden: &[
                Crate("aead"),
                Crate("argon2"),
                Crate("blake3"),
                Crate("chacha20"),
                Crate("chacha20poly1305"),
                Crate("curve25519_dalek"),
                Crate("ed25519_dalek"),
                Crate("hkdf"),
                Crate("hmac"),
                Crate("hpke"),
                Crate("poly1305"),
                Crate("sha2"),
                Crate("snow"),
                Crate("x25519_dalek"),
            ],
        },
        plant: File {
            path: "core/src/planted.rs",
            text: "fn planted() { blake3::hash(b\"\"); }\n",
        },
    },
    Rule {
        name: "relay asks nobody: it opens no connection and starts no program",
        check: Says {
            within: &["relay/src"],
            except: &[],
            forbidden: OUTWARDS,
        },
        plant: File {
            path: "relay/src/planted.rs",
            text: "async fn planted() { let _ = tokio::net::TcpStream::connect(\"a:1\").await; }\n",
        },
    },
    Rule {
        name: "relay looks at the clock on the wall in one place, for dates and the age of mail only",
        check: Says {
            within: &["relay/src"],
            except: &["relay/src/clock.rs"],
            forbidden: &[Name("SystemTime")],
        },
        plant: File {
            path: "relay/src/planted.rs",
            text: "use std::time::{Duration, SystemTime};\n",
        },
    },
];

/// What reaches others from here.
const OUTWARDS: &[Word] = &[
    Name("connect"),
    Name("lookup_host"),
    Name("ToSocketAddrs"),
    Name("TcpSocket"),
    Name("UdpSocket"),
    Name("UnixStream"),
    Path("std::process::Command"),
    Path("tokio::process"),
    Path("hyper::client"),
    Path("hyper_util::client"),
];

/// What a pure package must be given and may not take.
const WORLD: &[Word] = &[
    Name("SystemTime"),
    Path("std::time::Instant"),
    Path("time::Instant"),
    Path("std::fs"),
    Path("std::net"),
    Path("std::thread"),
    Path("std::process"),
    Path("std::env"),
    Path("std::io::stdin"),
    Path("std::io::stdout"),
    Path("std::io::stderr"),
    Crate("getrandom"),
    Crate("rand"),
];
