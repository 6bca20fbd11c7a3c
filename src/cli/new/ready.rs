//! The ready stacks that come with the program, to begin with.

/// Names the files of `stacks/`; a test holds the list against the folder.
macro_rules! ready {
    ($($name:literal)+) => {
        /// The ready stacks by their names, with their texts.
        pub const READY: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../../stacks/", $name, ".yml")))),+];
    };
}

ready! {
    "authelia"
    "forgejo"
    "home-assistant"
    "immich"
    "jellyfin"
    "monitoring-full"
    "monitoring-simple"
    "nextcloud"
    "paperless"
    "traefik"
    "vaultwarden"
    "web-app-template"
    "wiki"
}
