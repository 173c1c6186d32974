//! The bindings that are generated from the WIT packages, one module per world.
//!
//! A plugin imports only what it uses: an import that is never called is dropped when the component is made, and exports
//! come with the macro only. Nothing here is for authors; what they need is re-exported by the modules of this crate.
#![expect(missing_docs, clippy::mem_forget, reason = "generated code; the WIT files have the documentation")]

/// The capabilities, and the types that all packages share.
pub(crate) mod capabilities {
    wit_bindgen::generate!({
        inline: "
            package ostler:sdk;
            world capabilities {
                import ostler:types/types@0.1.0;
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
        additional_derives: [PartialEq, Eq],
        generate_unused_types: true,
        generate_all,
    });
}

/// The later version of the package of slots.
pub(crate) mod secrets_0_2 {
    wit_bindgen::generate!({
        inline: "
            package ostler:sdk-secrets;
            world secrets {
                import ostler:secrets/use-slots@0.2.0;
                import ostler:secrets/wire-slots@0.2.0;
            }
        ",
        path: [
            "../../plugin-api/wit/types-0.1.0",
            "../../plugin-api/wit/net-0.1.0",
            "../../plugin-api/wit/secrets-0.2.0",
        ],
        with: {
            "ostler:types/types@0.1.0": crate::bindings::capabilities::ostler::types::types,
            "ostler:net/net@0.1.0": crate::bindings::capabilities::ostler::net::net,
        },
        generate_all,
    });
}

/// Drivers.
pub mod driver {
    wit_bindgen::generate!({
        world: "ostler:driver/driver-plugin",
        path: ["../../plugin-api/wit/types-0.1.0", "../../plugin-api/wit/driver-0.1.0"],
        with: { "ostler:types/types@0.1.0": crate::bindings::capabilities::ostler::types::types },
        additional_derives: [PartialEq, Eq],
        generate_unused_types: true,
        generate_all,
        pub_export_macro: true,
        export_macro_name: "export_driver",
    });
}

/// Importers.
pub mod importer {
    wit_bindgen::generate!({
        world: "ostler:importer/importer-plugin",
        path: ["../../plugin-api/wit/types-0.1.0", "../../plugin-api/wit/importer-0.1.0"],
        with: {
            "ostler:types/types@0.1.0": crate::bindings::capabilities::ostler::types::types,
        },
        additional_derives: [PartialEq, Eq],
        generate_unused_types: true,
        generate_all,
        pub_export_macro: true,
        export_macro_name: "export_importer",
    });
}

/// Launchers.
pub mod launcher {
    wit_bindgen::generate!({
        world: "ostler:launcher/launcher-plugin@0.2.0",
        path: [
            "../../plugin-api/wit/types-0.1.0",
            "../../plugin-api/wit/launcher-0.1.0",
            "../../plugin-api/wit/launcher-0.2.0",
        ],
        with: { "ostler:types/types@0.1.0": crate::bindings::capabilities::ostler::types::types },
        additional_derives: [PartialEq, Eq],
        generate_unused_types: true,
        generate_all,
        pub_export_macro: true,
        export_macro_name: "export_launcher",
    });
}
