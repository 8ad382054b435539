//! Which packages may be built on which: ARCHITECTURE.md's table of who may use whom, line by line.

use super::Check::{Direct, Links, Ours};
use super::Plant::Dependency;
use super::Rule;
use super::tree::Target::{Browser, Native};

/// What reaches the browser's own interfaces.
const BROWSER: &[&str] = &[
    "web-sys",
    "js-sys",
    "wasm-bindgen*",
    "gloo*",
    "idb",
    "leptos*",
];
/// What reaches the network, the clock or threads of a native program.
const RUNTIME: &[&str] = &[
    "tokio*",
    "async-std",
    "smol",
    "mio",
    "socket2",
    "hyper*",
    "reqwest",
    "ureq",
    "rayon*",
];
/// What draws randomness from the system.
const RANDOMNESS: &[&str] = &["getrandom", "rand"];
/// The primitives, which core/src/crypto/ alone may name.
const CRYPTO: &[&str] = &[
    "*-dalek",
    "aead",
    "aes*",
    "argon2",
    "blake2",
    "blake3",
    "chacha20*",
    "hkdf",
    "hmac",
    "hpke",
    "poly1305",
    "ring",
    "sha2",
    "sha3",
    "snow",
];
const AUTOMERGE: &[&str] = &["automerge", "hexane", "autosurgeon"];
const LEPTOS: &[&str] = &["leptos*", "reactive_graph", "tachys"];

/// Every rule about dependencies.
pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "wire asks for a codec and nothing else",
        check: Direct {
            package: "bocage-wire",
            allowed: &["minicbor", "serde", "thiserror"],
        },
        plant: Dependency {
            folder: "wire",
            line: "blake3.workspace = true",
        },
    },
    Rule {
        name: "wire links no CRDT, no runtime and nothing of the browser",
        check: Links {
            package: "bocage-wire",
            target: Native,
            through: &[],
            forbidden: &[AUTOMERGE, RUNTIME, BROWSER],
        },
        plant: Dependency {
            folder: "wire",
            line: "automerge.workspace = true",
        },
    },
    Rule {
        name: "wire links nothing else of ours",
        check: Ours {
            package: "bocage-wire",
            target: Native,
            allowed: &[],
        },
        plant: Dependency {
            folder: "wire",
            line: "bocage-api.workspace = true",
        },
    },
    Rule {
        name: "api asks for serde and its encoding only",
        check: Direct {
            package: "bocage-api",
            allowed: &["postcard", "serde", "thiserror"],
        },
        plant: Dependency {
            folder: "api",
            line: "minicbor.workspace = true",
        },
    },
    Rule {
        name: "api links nothing else of ours",
        check: Ours {
            package: "bocage-api",
            target: Native,
            allowed: &[],
        },
        plant: Dependency {
            folder: "api",
            line: "bocage-wire.workspace = true",
        },
    },
    Rule {
        name: "core links wire and api only, of ours",
        check: Ours {
            package: "bocage-core",
            target: Native,
            allowed: &["bocage-wire", "bocage-api"],
        },
        plant: Dependency {
            folder: "core",
            line: "bocage-formats.workspace = true",
        },
    },
    // automerge draws its actor ids, which we set ourselves, from getrandom; what it brings in is its own affair.
    Rule {
        name: "core links no browser, no runtime and no randomness, but for what automerge brings",
        check: Links {
            package: "bocage-core",
            target: Native,
            through: &["automerge"],
            forbidden: &[BROWSER, RUNTIME, RANDOMNESS],
        },
        plant: Dependency {
            folder: "core",
            line: "tokio.workspace = true",
        },
    },
    // In the browser automerge's feature `wasm` brings js-sys and wasm-bindgen along.
    Rule {
        name: "core links nothing of the browser in the browser either, but for what automerge brings",
        check: Links {
            package: "bocage-core",
            target: Browser,
            through: &["automerge"],
            forbidden: &[BROWSER, RUNTIME, RANDOMNESS],
        },
        plant: Dependency {
            folder: "core",
            line: "js-sys.workspace = true",
        },
    },
    Rule {
        name: "formats links api only, of ours",
        check: Ours {
            package: "bocage-formats",
            target: Native,
            allowed: &["bocage-api"],
        },
        plant: Dependency {
            folder: "formats",
            line: "bocage-wire.workspace = true",
        },
    },
    Rule {
        name: "formats links no browser and no network",
        check: Links {
            package: "bocage-formats",
            target: Native,
            through: &[],
            forbidden: &[BROWSER, RUNTIME, RANDOMNESS],
        },
        plant: Dependency {
            folder: "formats",
            line: "tokio.workspace = true",
        },
    },
    Rule {
        name: "formats links no browser in the browser",
        check: Links {
            package: "bocage-formats",
            target: Browser,
            through: &[],
            forbidden: &[BROWSER, RUNTIME, RANDOMNESS],
        },
        plant: Dependency {
            folder: "formats",
            line: "web-sys.workspace = true",
        },
    },
    Rule {
        name: "session links api only, of ours",
        check: Ours {
            package: "bocage-session",
            target: Native,
            allowed: &["bocage-api"],
        },
        plant: Dependency {
            folder: "client/session",
            line: "bocage-platform.workspace = true",
        },
    },
    Rule {
        name: "session links no browser, no runtime, no randomness, no CRDT and no cryptography",
        check: Links {
            package: "bocage-session",
            target: Browser,
            through: &[],
            forbidden: &[BROWSER, RUNTIME, RANDOMNESS, AUTOMERGE, CRYPTO],
        },
        plant: Dependency {
            folder: "client/session",
            line: "web-sys.workspace = true",
        },
    },
    Rule {
        name: "platform links no user interface, no CRDT and no cryptography",
        check: Links {
            package: "bocage-platform",
            target: Browser,
            through: &[],
            forbidden: &[LEPTOS, AUTOMERGE, CRYPTO],
        },
        plant: Dependency {
            folder: "client/platform",
            line: "leptos.workspace = true",
        },
    },
    Rule {
        name: "platform links nothing else of ours",
        check: Ours {
            package: "bocage-platform",
            target: Browser,
            allowed: &[],
        },
        plant: Dependency {
            folder: "client/platform",
            line: "bocage-wire.workspace = true",
        },
    },
    Rule {
        name: "page links api, platform and session only, of ours: formats comes through the converter's module",
        check: Ours {
            package: "bocage-page",
            target: Browser,
            allowed: &["bocage-api", "bocage-platform", "bocage-session"],
        },
        plant: Dependency {
            folder: "client/page",
            line: "bocage-formats.workspace = true",
        },
    },
    Rule {
        name: "page links no engine, no CRDT and no cryptography",
        check: Links {
            package: "bocage-page",
            target: Browser,
            through: &[],
            forbidden: &[&["bocage-core"], AUTOMERGE, CRYPTO],
        },
        plant: Dependency {
            folder: "client/page",
            line: "bocage-core.workspace = true",
        },
    },
    Rule {
        name: "worker links core and platform only, of ours, and what core links",
        check: Ours {
            package: "bocage-worker",
            target: Browser,
            allowed: &[
                "bocage-core",
                "bocage-platform",
                "bocage-api",
                "bocage-wire",
            ],
        },
        plant: Dependency {
            folder: "client/worker",
            line: "bocage-formats.workspace = true",
        },
    },
    Rule {
        name: "worker links no user interface",
        check: Links {
            package: "bocage-worker",
            target: Browser,
            through: &[],
            forbidden: &[LEPTOS],
        },
        plant: Dependency {
            folder: "client/worker",
            line: "leptos.workspace = true",
        },
    },
    Rule {
        name: "converter links formats only, of ours, and what formats links",
        check: Ours {
            package: "bocage-converter",
            target: Browser,
            allowed: &["bocage-formats", "bocage-api"],
        },
        plant: Dependency {
            folder: "client/converter",
            line: "bocage-core.workspace = true",
        },
    },
    Rule {
        name: "converter links no user interface, no CRDT and no cryptography",
        check: Links {
            package: "bocage-converter",
            target: Browser,
            through: &[],
            forbidden: &[LEPTOS, AUTOMERGE, CRYPTO],
        },
        plant: Dependency {
            folder: "client/converter",
            line: "leptos.workspace = true",
        },
    },
    Rule {
        name: "relay links wire only, of ours: it cannot read what it cannot link",
        check: Ours {
            package: "bocage-relay",
            target: Native,
            allowed: &["bocage-wire"],
        },
        plant: Dependency {
            folder: "relay",
            line: "bocage-core.workspace = true",
        },
    },
    Rule {
        name: "relay links no CRDT",
        check: Links {
            package: "bocage-relay",
            target: Native,
            through: &[],
            forbidden: &[AUTOMERGE],
        },
        plant: Dependency {
            folder: "relay",
            line: "automerge.workspace = true",
        },
    },
];
