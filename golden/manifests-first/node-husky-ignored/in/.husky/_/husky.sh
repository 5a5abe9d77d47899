# written by husky
