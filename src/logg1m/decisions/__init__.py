"""D1–D4: rules from measured numbers to outcomes, overrides, and the recipes that later phases train."""
