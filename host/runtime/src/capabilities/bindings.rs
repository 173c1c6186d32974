//! The host's side of the capability interfaces, generated from the WIT documents.
//!
//! Generated types never leave this crate: what they hold is converted to types of `core` at once.

wasmtime::component::bindgen!({
    inline: "
        package ostler:host;

        world capabilities {
            import ostler:log/log@0.1.0;
            import ostler:storage/storage@0.1.0;
            import ostler:settings/settings@0.1.0;
            import ostler:prompt/prompt@0.1.0;
            import ostler:secrets/use-slots@0.1.0;
        }
    ",
    path: [
        "../../plugin-api/wit/types-0.1.0",
        "../../plugin-api/wit/log-0.1.0",
        "../../plugin-api/wit/storage-0.1.0",
        "../../plugin-api/wit/settings-0.1.0",
        "../../plugin-api/wit/prompt-0.1.0",
        "../../plugin-api/wit/secrets-0.1.0",
    ],
    imports: { "ostler:prompt/prompt.ask": async },
});
