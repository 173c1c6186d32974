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
            import ostler:recording/annotate@0.1.0;
            import ostler:recording/read@0.1.0;
            import ostler:events/events@0.1.0;
            import ostler:secrets-reveal/reveal@0.1.0;
            import ostler:secrets-store/store@0.1.0;
        }
    ",
    path: [
        "../../plugin-api/wit/types-0.1.0",
        "../../plugin-api/wit/clock-0.1.0",
        "../../plugin-api/wit/connections-0.1.0",
        "../../plugin-api/wit/recording-0.1.0",
        "../../plugin-api/wit/events-0.1.0",
        "../../plugin-api/wit/secrets-reveal-0.1.0",
        "../../plugin-api/wit/secrets-store-0.1.0",
    ],
    with: { "ostler:types": super::ostler::types },
    imports: {
        "ostler:clock/clock.sleep": async,
        "ostler:recording/annotate.mark": async,
        "ostler:events/events": async,
    },
});
