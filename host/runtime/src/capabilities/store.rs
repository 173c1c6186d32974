//! The host's side of the interfaces to the store and the time, generated from the WIT documents.
//!
//! Generated types never leave this crate.

wasmtime::component::bindgen!({
    inline: "
        package ostler:host-store;

        world store {
            import ostler:clock/clock@0.1.0;
            import ostler:connections/read@0.1.0;
            import ostler:connections/write@0.1.0;
        }
    ",
    path: [
        "../../plugin-api/wit/types-0.1.0",
        "../../plugin-api/wit/clock-0.1.0",
        "../../plugin-api/wit/connections-0.1.0",
    ],
    with: { "ostler:types": super::ostler::types },
    imports: { "ostler:clock/clock.sleep": async },
});
