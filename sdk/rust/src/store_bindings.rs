//! The bindings of the capabilities of the store and the clock, generated from the WIT packages. As all bindings, nothing for
//! authors: what they need is re-exported by the modules of this crate.
#![expect(missing_docs, reason = "generated code; the WIT files have the documentation")]

wit_bindgen::generate!({
    inline: "
        package ostler:sdk-store;
        world store {
            import ostler:clock/clock@0.1.0;
            import ostler:connections/types@0.1.0;
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
    with: { "ostler:types/types@0.1.0": crate::bindings::capabilities::ostler::types::types },
    additional_derives: [PartialEq, Eq],
    generate_unused_types: true,
    generate_all,
});
