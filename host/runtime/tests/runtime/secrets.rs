//! The capabilities `secrets.reveal` and `secrets.store`: granted, not granted, for slots that were not offered, without an
//! audit, and at their limits; and what stays of a secret in a plugin's memory.

use std::sync::{Arc, Mutex};

use ostler_core::{FormAnswer, InjectError, SecretBytes, SecretInjector, Sink, SlotName};
use ostler_plugin_api::{Capability, Guard};
use ostler_runtime::{Limits, Plugin, PluginError, Said, SaidKind};

use crate::world::{NOTHING, World, probed, request};

const REVEAL: &[Capability] = &[Capability::SecretsReveal, Capability::Prompt];
const STORE: &[Capability] = &[Capability::SecretsStore, Capability::SecretsUse];
const NEEDLE: &str = "cherry-needle-71";

/// Opens every slot, as long as it can write that down.
struct Opener {
    unwritable: bool,
    opened: Mutex<Vec<String>>,
}

impl Opener {
    fn new(unwritable: bool) -> Arc<Self> {
        Arc::new(Self { unwritable, opened: Mutex::default() })
    }
}

impl SecretInjector for Opener {
    fn inject(&self, slot: &SlotName, _: &Sink) -> Result<SecretBytes, InjectError> {
        Err(InjectError::NoSuchSlot { slot: slot.clone() })
    }

    fn reveal(&self, slot: &SlotName, given: Option<&SecretBytes>) -> Result<SecretBytes, InjectError> {
        if self.unwritable {
            return Err(InjectError::NotAudited { slot: slot.clone(), cause: "the disk is full".to_owned() });
        }
        self.opened.lock().unwrap().push(slot.to_string());
        Ok(given.cloned().unwrap_or_else(|| SecretBytes::from(NEEDLE.to_owned())))
    }
}

async fn probed_with(plugin: &Plugin, opener: &Arc<Opener>, settings: &[(&str, &str)]) -> String {
    let secrets: Arc<dyn SecretInjector> = opener.clone();
    match plugin.plan_with(&request(settings), &secrets).await {
        Err(PluginError::Said(Said { kind: SaidKind::Unsupported, text })) => text,
        other => panic!("the guest should answer, not {other:?}"),
    }
}

#[tokio::test]
async fn a_plugin_that_may_reads_a_slot_of_its_call_and_what_the_person_typed() {
    let world = World::new();
    let (plugin, opener) = (world.store_user(REVEAL), Opener::new(false));
    let read = probed_with(&plugin, &opener, &[("do", "reveal")]).await;
    assert_eq!(read, format!("Ok({NEEDLE:?})"));
    let typed = FormAnswer::Secret {
        slot: SlotName::new("prompt.pin").unwrap(),
        bytes: SecretBytes::from("1234".to_owned()),
    };
    world.person.script.lock().unwrap().push_back(Ok([("pin".to_owned(), typed)].into()));
    assert_eq!(probed_with(&plugin, &opener, &[("do", "reveal.prompted")]).await, "Ok(\"1234\")");
    assert_eq!(*opener.opened.lock().unwrap(), ["login.password", "prompt.pin"]);
}

#[tokio::test]
async fn no_byte_is_read_without_the_grant_and_that_is_the_guards_work() {
    let opener = Opener::new(false);
    let plugin = World::new().store_user(&[Capability::SecretsUse]);
    let refused = probed_with(&plugin, &opener, &[("do", "reveal")]).await;
    assert!(refused.contains("Denied(\"the capability 'secrets.reveal' is not granted\")"), "{refused}");
    assert_eq!(*opener.opened.lock().unwrap(), Vec::<String>::new());
    let unguarded = World::without(Guard::Granted).store_user(NOTHING);
    assert!(probed_with(&unguarded, &opener, &[("do", "reveal")]).await.contains(NEEDLE));
}

#[tokio::test]
async fn no_byte_is_read_of_a_slot_that_was_not_offered_and_that_is_the_guards_work() {
    let opener = Opener::new(false);
    let plugin = World::new().store_user(REVEAL);
    for slot in ["login.private-key", "prompt.pin", "store.token"] {
        let refused = probed_with(&plugin, &opener, &[("do", "reveal"), ("slot", slot)]).await;
        assert!(refused.contains(&format!("this call was not offered the slot '{slot}'")), "{refused}");
    }
    assert_eq!(*opener.opened.lock().unwrap(), Vec::<String>::new());
    let unguarded = World::without(Guard::Offered).store_user(REVEAL);
    let read = probed_with(&unguarded, &opener, &[("do", "reveal"), ("slot", "login.private-key")]).await;
    assert!(read.contains(NEEDLE), "{read}");
}

#[tokio::test]
async fn no_byte_is_read_that_can_not_be_audited_nor_in_a_call_that_opens_no_secrets() {
    let plugin = World::new().store_user(REVEAL);
    let refused = probed_with(&plugin, &Opener::new(true), &[("do", "reveal")]).await;
    assert!(refused.contains("Unavailable") && refused.contains("could not be audited"), "{refused}");
    assert!(!refused.contains(NEEDLE), "{refused}");
    let shown_only = probed(&plugin, &[("do", "reveal")]).await;
    assert!(shown_only.contains("Unavailable(\"this call opens no secrets\")"), "{shown_only}");
    let bad = probed_with(&plugin, &Opener::new(false), &[("do", "reveal"), ("slot", "No Slot")]).await;
    assert!(bad.contains("Invalid(\"not a slot name"), "{bad}");
}

#[tokio::test]
async fn a_call_reads_at_most_16_secrets() {
    let plugin = World::new().store_user(REVEAL);
    let times = |times: &'static str| [("do", "reveal"), ("times", times)];
    assert!(probed_with(&plugin, &Opener::new(false), &times("16")).await.contains(NEEDLE));
    let limited = probed_with(&plugin, &Opener::new(false), &times("17")).await;
    assert!(limited.contains("Limit(\"a call reads at most 16 secrets\")"), "{limited}");
}

#[tokio::test]
async fn what_a_call_has_read_is_in_the_memory_of_no_later_call() {
    let masked: String = NEEDLE.bytes().map(|byte| format!("{:02x}", byte ^ 0x55)).collect();
    // One place in the pool, so that every call gets the memory of the one before.
    let world = World::with(Limits { concurrent_calls: 1, ..Limits::default() });
    let (plugin, opener) = (world.store_user(REVEAL), Opener::new(false));
    for _ in 0..3 {
        let filled = probed_with(&plugin, &opener, &[("do", "reveal.fill"), ("masked", &masked)]).await;
        let found: usize = filled.parse().unwrap();
        assert!(found > (4 << 20) / NEEDLE.len(), "the look-out finds what is there: {found}");
        let left = probed_with(&plugin, &opener, &[("do", "reveal.look"), ("masked", &masked)]).await;
        assert_eq!(left, "0");
    }
}

#[tokio::test]
async fn a_plugin_stores_secrets_of_its_own_with_their_sinks_and_may_name_them() {
    let world = World::new();
    let plugin = world.store_user(STORE);
    assert_eq!(probed(&plugin, &[("do", "store.put")]).await, "Ok(\"store.token\")");
    let stored = world.store.secrets.lock().unwrap()["token"].clone();
    assert_eq!(stored.1.expose(), b"the-token");
    assert_eq!(stored.0.sinks[0].to_string(), "password of ssh://db.example:22");
    assert_eq!(probed(&plugin, &[("do", "store.slots")]).await, r#"Ok(["login.password", "store.token"])"#);
    let listed = probed(&plugin, &[("do", "store.stored")]).await;
    assert!(listed.contains("store.token") && listed.contains("db.example"), "{listed}");
    assert!(!listed.contains("the-token"), "no byte of it: {listed}");
    let plan = request(&[("do", "store.plan"), ("slot", "store.token")]);
    assert!(plugin.plan(&plan).await.is_ok());
    assert_eq!(probed(&plugin, &[("do", "store.delete")]).await, "Ok(())");
    assert_eq!(probed(&plugin, &[("do", "store.delete")]).await, "Ok(())");
    let gone = plugin.plan(&plan).await.unwrap_err().to_string();
    assert!(gone.contains("its plan uses 'store.token', which this launch does not offer"), "{gone}");
}

#[tokio::test]
async fn storing_without_the_grant_is_refused_and_the_slots_go_with_the_grant() {
    let world = World::new();
    let plugin = world.store_user(&[Capability::SecretsUse]);
    for call in ["store.put", "store.stored", "store.delete"] {
        let answer = probed(&plugin, &[("do", call)]).await;
        assert!(answer.contains("the capability 'secrets.store' is not granted"), "{call}: {answer}");
    }
    assert!(world.store.secrets.lock().unwrap().is_empty());
    plugin.set_grants(STORE.iter().copied().collect());
    probed(&plugin, &[("do", "store.put")]).await;
    let plan = request(&[("do", "store.plan"), ("slot", "store.token")]);
    assert!(plugin.plan(&plan).await.is_ok());
    plugin.set_grants([Capability::SecretsUse].into_iter().collect());
    assert!(plugin.plan(&plan).await.unwrap_err().to_string().contains("does not offer"));
    let unguarded = World::without(Guard::Granted).store_user(NOTHING);
    assert_eq!(probed(&unguarded, &[("do", "store.put")]).await, "Ok(\"store.token\")");
}

#[tokio::test]
async fn a_compartment_has_bounds_and_refuses_what_it_can_not_keep() {
    let world = World::new();
    let plugin = world.store_user(STORE);
    let long = "n".repeat(49);
    let cases = [
        (("name", "Not A Name"), "a secret's name has 1 to 48"),
        (("name", long.as_str()), "a secret's name has 1 to 48"),
        (("bytes", "0"), "a secret has at least one byte"),
        (("bytes", "16385"), "a secret has at most 16 KiB"),
        (("sinks", "0"), "a secret has 1 to 16 sinks"),
        (("sinks", "17"), "a secret has 1 to 16 sinks"),
        (("field", "everywhere"), "a sink's field is none that this host knows"),
        (("host", ""), "a sink's host and port must be named"),
        (("host", "two words"), "a sink's host"),
        (("port", "0"), "a sink's host and port must be named"),
        (("protocol", "S S H"), "a sink's protocol has 1 to 32"),
    ];
    for (setting, expected) in cases {
        let answer = probed(&plugin, &[("do", "store.put"), setting]).await;
        assert!(answer.contains(expected), "{setting:?}: {answer}");
    }
    assert!(world.store.secrets.lock().unwrap().is_empty());
    let last = probed(&plugin, &[("do", "store.many"), ("times", "64"), ("bytes", "16384")]).await;
    assert_eq!(last, "Some(Ok(\"store.token63\"))");
    let full = probed(&plugin, &[("do", "store.put")]).await;
    assert!(full.contains("Limit(\"a plugin has at most 64 secrets\")"), "{full}");
    // One that is replaced takes no further place.
    let replaced = probed(&plugin, &[("do", "store.put"), ("name", "token0")]).await;
    assert_eq!(replaced, "Ok(\"store.token0\")");
    *world.store.broken.lock().unwrap() = true;
    let broken = probed(&plugin, &[("do", "store.put")]).await;
    assert!(broken.contains("Unavailable(\"the store can't be reached now\")"), "{broken}");
}

#[tokio::test]
async fn a_plugins_own_secret_is_read_only_with_the_grant_to_read() {
    let world = World::new();
    let (plugin, opener) = (world.store_user(STORE), Opener::new(false));
    probed(&plugin, &[("do", "store.put")]).await;
    let own = [("do", "reveal"), ("slot", "store.token")];
    let refused = probed_with(&plugin, &opener, &own).await;
    assert!(refused.contains("the capability 'secrets.reveal' is not granted"), "{refused}");
    let both = [Capability::SecretsReveal, Capability::SecretsStore];
    plugin.set_grants(both.into_iter().collect());
    assert!(probed_with(&plugin, &opener, &own).await.contains(NEEDLE));
}
