//! The host's side of the interfaces to the machine, generated from the WIT documents.
//!
//! Generated types never leave this crate.

wasmtime::component::bindgen!({
    inline: "
        package ostler:host-machine;

        world machine {
            import ostler:files/files@0.1.0;
            import ostler:process/process@0.1.0;
            import ostler:inbound/inbound@0.1.0;
        }
    ",
    path: [
        "../../plugin-api/wit/types-0.1.0",
        "../../plugin-api/wit/files-0.1.0",
        "../../plugin-api/wit/process-0.1.0",
        "../../plugin-api/wit/inbound-0.1.0",
    ],
    with: {
        "ostler:types": super::ostler::types,
        "ostler:files/files.reader": super::files::Reader,
        "ostler:files/files.watcher": super::files::Watcher,
        "ostler:files/files.local-socket": super::files::LocalSocket,
        "ostler:inbound/inbound.callback": super::inbound::Callback,
    },
    imports: { default: async },
});
