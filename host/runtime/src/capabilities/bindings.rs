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
            import ostler:net/net@0.1.0;
            import ostler:terminal/terminal@0.1.0;
            import ostler:desktop/desktop@0.1.0;
            import ostler:http/http@0.1.0;
        }
    ",
    path: [
        "../../plugin-api/wit/types-0.1.0",
        "../../plugin-api/wit/log-0.1.0",
        "../../plugin-api/wit/storage-0.1.0",
        "../../plugin-api/wit/settings-0.1.0",
        "../../plugin-api/wit/prompt-0.1.0",
        "../../plugin-api/wit/secrets-0.1.0",
        "../../plugin-api/wit/net-0.1.0",
        "../../plugin-api/wit/terminal-0.1.0",
        "../../plugin-api/wit/desktop-0.1.0",
        "../../plugin-api/wit/http-0.1.0",
    ],
    with: {
        "ostler:net/net.wire": super::wire::Wire,
        "ostler:http/http.response": super::http::Response,
    },
    imports: {
        "ostler:prompt/prompt.ask": async,
        "ostler:net/net": async,
        "ostler:terminal/terminal": async,
        "ostler:desktop/desktop": async,
        "ostler:http/http": async,
    },
});

/// The later version of the package of slots.
pub(crate) mod secrets_0_2 {
    wasmtime::component::bindgen!({
        inline: "
            package ostler:host;

            world capabilities {
                import ostler:secrets/use-slots@0.2.0;
                import ostler:secrets/wire-slots@0.2.0;
            }
        ",
        path: [
            "../../plugin-api/wit/types-0.1.0",
            "../../plugin-api/wit/net-0.1.0",
            "../../plugin-api/wit/secrets-0.2.0",
        ],
        with: { "ostler:types": super::ostler::types, "ostler:net": super::ostler::net },
        imports: { default: async },
    });
}
