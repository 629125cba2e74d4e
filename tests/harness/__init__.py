"""What tests share: real back ends, namespaces, settings, polling, injected time and ids."""
